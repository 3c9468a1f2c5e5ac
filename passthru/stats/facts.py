"""What the exporter is told of its instance: `facts.json` among the files of the live rendering."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from passthru.errors import PassthruError
from passthru.sidecar.source import file_stamp


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")  # a newer passthru may tell more


class UpstreamFact(_Part):
    """One upstream, in the order of the spec."""

    name: str
    url: str


class ZoneFact(_Part):
    """One zone of the cache."""

    name: str
    directory: str
    max_bytes: int


class Sockets(_Part):
    """Where nginx answers us, and where we answer."""

    nginx: str
    exporter: str


class StatusFacts(_Part):
    """The section [status], resolved."""

    path: str
    paths: bool


class Facts(_Part):
    """The whole. Paths are absolute, sizes in bytes."""

    passthru_version: str
    nginx_version: str | None
    generation: str
    mode: str
    address: str
    upstreams: tuple[UpstreamFact, ...]
    zones: tuple[ZoneFact, ...]
    cache_directory: str
    min_free: int
    access_log: str
    state_directory: str
    runtime_directory: str
    sockets: Sockets
    status: StatusFacts
    snippets: dict[str, str]

    @property
    def ledger(self) -> str:
        """The file of the totals and the history."""
        return f"{self.state_directory}/stats/ledger.sqlite"

    @property
    def last_apply(self) -> str:
        """The file that tells how the last change of the configuration ended."""
        return f"{self.state_directory}/last-apply.json"

    @property
    def neighbours(self) -> str:
        """The file that tells which other caches are heard."""
        return f"{self.runtime_directory}/neighbours.json"

    @property
    def pid_file(self) -> str:
        """The file that nginx writes when it starts."""
        return f"{self.runtime_directory}/nginx.pid"


@dataclass(slots=True)
class FactsFile:
    """The file, which another one replaces when the configuration changes."""

    path: Path
    _stamp: object = field(default=None, init=False)

    def changed(self) -> Facts | None:
        """Return what it says if that is new; None if it is not, or it is not there.

        Raises PassthruError, once a change, for a file that cannot be understood.
        """
        try:
            stamp = file_stamp(self.path)
        except OSError:
            return None
        if stamp == self._stamp:
            return None
        self._stamp = stamp
        return read_facts(self.path)


_LONGEST: Final = 1 << 20


def read_facts(path: Path) -> Facts:
    """Read the file; raises PassthruError if it cannot be read or understood."""
    try:
        with path.open("rb") as file:
            return Facts.model_validate_json(file.read(_LONGEST))
    except OSError as fault:
        raise PassthruError(
            f"cannot read {path}: {str(fault.strerror).lower()}",
            hint="run this as the user that runs passthru",
        ) from fault
    except ValidationError as fault:
        first = fault.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise PassthruError(
            f"{path} is not what this version of passthru writes: {where}: {first['msg'].lower()}",
            hint="run `passthru apply` with this version",
        ) from fault
