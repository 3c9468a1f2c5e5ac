"""Whether an upstream answers when no client asks it: a small question now and then, through nginx."""

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from passthru.inquiry.ask_async import ask_status

PATH: Final = "/-/probe/"
QUIET_SECONDS: Final = 300.0
"""An upstream that clients asked this lately is not probed: their answers tell more."""

_SECONDS: Final = 20.0
_WORST: Final = 500
_NO_CONNECTION: Final = 502
_TIMEOUT: Final = 504


@dataclass(frozen=True, slots=True)
class Probe:
    """How the last one went."""

    at: float
    """Seconds since 1970."""

    error: str | None
    """What was wrong, for people."""

    seconds: float | None


@dataclass(slots=True)
class Probes:
    """The last probe of each upstream, and how many went how."""

    last: dict[str, Probe] = field(default_factory=dict)
    succeeded: dict[str, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    _due: dict[str, float] = field(default_factory=dict)

    def due(self, names: tuple[str, ...], asked_at: Mapping[str, float], now: float) -> list[str]:
        """Return the upstreams to ask now; each has a moment of its own, so they do not come together."""
        found = []
        for name in names:
            earliest = asked_at.get(name, 0.0) + QUIET_SECONDS
            due = self._due.setdefault(name, now + random.uniform(1, 10))  # noqa: S311 - no secret
            if now >= due and now >= earliest:
                found.append(name)
        return found

    def note(self, name: str, status: int | None, seconds: float, now: float) -> None:
        """Keep how a probe went, and choose when the next one is."""
        error = _error(status)
        self.last[name] = Probe(now, error, None if error else seconds)
        counts = self.failed if error else self.succeeded
        counts[name] = counts.get(name, 0) + 1
        self._due[name] = now + QUIET_SECONDS * random.uniform(0.8, 1.2)  # noqa: S311 - no secret

    async def run(self, socket: str, names: tuple[str, ...], asked_at: Mapping[str, float]) -> None:
        """Ask all that are due, one after the other."""
        for name in self.due(names, asked_at, time.time()):
            began = time.monotonic()
            status = await ask_status(socket, PATH + name, seconds=_SECONDS)
            self.note(name, status, time.monotonic() - began, time.time())


def _error(status: int | None) -> str | None:
    if status is None:
        return "nginx did not answer for it"
    if status == _TIMEOUT:
        return "no answer in time"
    if status == _NO_CONNECTION:
        return "no connection"
    # A "no" is an answer: some caches have no nix-cache-info for strangers.
    return f"answered {status}" if status >= _WORST else None
