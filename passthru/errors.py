"""The one tree of errors that passthru raises on purpose.

PassthruError            exit 1
├── SpecError            exit 78   the spec cannot be used; one Problem a fault
├── FormatError          exit 1    bytes that claim to be a Nix format and are not
├── RenderError          exit 1    a bug in a template or an unsupported combination
├── NotRunningError      exit 4    no instance answers
├── ListenError          exit 1    an address or port cannot be had
├── ProxyError           exit 1    a proxy does not lead to the upstream
└── NginxError           exit 1    nginx said no: its own lines attached
    └── ReloadRejectedError   exit 5    accepted by `nginx -t`, not taken live

Messages are lower case, without a full stop: what, why, what to do.
"""

from dataclasses import dataclass
from typing import ClassVar

from typing_extensions import override


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault in a spec: where it is (`upstreams[1].url`), what is wrong, what to write."""

    where: str
    message: str
    hint: str | None = None

    @override
    def __str__(self) -> str:
        line = f"{self.where}: {self.message}" if self.where else self.message
        return f"{line}; {self.hint}" if self.hint else line


class PassthruError(Exception):
    """Something went wrong that its reader can act on."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        """Say what happened, and in `hint` what to type next."""
        super().__init__(message)
        self.message = message
        self.hint = hint


class SpecError(PassthruError):
    """The spec cannot be used; `problems` holds every fault found, in the spec's order."""

    exit_code: ClassVar[int] = 78  # EX_CONFIG of sysexits.h, for RestartPreventExitStatus=

    def __init__(self, problems: tuple[Problem, ...], *, source: str | None = None) -> None:
        """Hold the faults of the spec read from `source` (a path, or None for an inline one)."""
        self.problems = problems
        self.source = source
        lines = [str(problem) for problem in problems]
        super().__init__("\n".join(f"{source}: {line}" if source else line for line in lines))


class FormatError(PassthruError):
    """Bytes that claim to be a Nix format and are not."""


class RenderError(PassthruError):
    """A bug in a template, or a combination that this version cannot render."""


class NotRunningError(PassthruError):
    """No instance of passthru answers where one was expected."""

    exit_code: ClassVar[int] = 4


class ListenError(PassthruError):
    """An address, port or socket cannot be listened on."""


class ProxyError(PassthruError):
    """A proxy does not lead to the upstream behind it; no message of it holds a password."""


class NginxError(PassthruError):
    """Nginx said no; `lines` are its own words."""

    def __init__(
        self, message: str, *, lines: tuple[str, ...] = (), hint: str | None = None
    ) -> None:
        """Attach nginx's own `lines` to what we were doing."""
        super().__init__(message, hint=hint)
        self.lines = lines


class ReloadRejectedError(NginxError):
    """A configuration that `nginx -t` accepts and the running master does not take."""

    exit_code: ClassVar[int] = 5
