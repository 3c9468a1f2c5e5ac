"""How long a program that keeps dying waits before it is started again."""

from dataclasses import dataclass
from typing import Final

SHORTEST: Final = 1.0
LONGEST: Final = 60.0
"""Seconds."""

LASTED: Final = 60.0
"""Seconds after which a start counts as one that went well."""


@dataclass(slots=True)
class Rest:
    """The deaths of one program; moments are of the monotonic clock."""

    started: float
    seconds: float = 0.0
    until: float = 0.0

    def begin(self, now: float) -> float:
        """Note that it died `now`, and return how many seconds it is to rest."""
        quick = now - self.started < LASTED
        self.seconds = min(LONGEST, max(SHORTEST, self.seconds * 2)) if quick else SHORTEST
        self.until = now + self.seconds
        return self.seconds

    def is_over(self, now: float) -> bool:
        """Say whether it may be started again, and note that it is."""
        if now < self.until:
            return False
        self.started = now
        return True
