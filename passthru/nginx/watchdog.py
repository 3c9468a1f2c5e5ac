"""The sign of life that systemd waits for (WatchdogSec=), and `passthru up` of its children."""

import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Self

from passthru.nginx.notify import notify_alive

_SIGNS: Final = 3
"""Signs of life in the time that systemd waits for one: a late one is no death."""


@dataclass(slots=True)
class Watchdog:
    """Somebody who ends and restarts us when no sign of life comes; or nobody, without systemd."""

    every: float
    """Seconds between two signs; infinite when nobody waits for them."""

    due: float
    """When the next one is due, by the monotonic clock."""

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ, *, pid: int | None = None) -> Self:
        """Return the one that `environment` tells of (sd_watchdog_enabled(3))."""
        microseconds = environment.get("WATCHDOG_USEC", "")
        meant = environment.get("WATCHDOG_PID", "")
        if not (microseconds.isascii() and microseconds.isdigit() and int(microseconds)):
            return cls(math.inf, math.inf)
        if meant and meant != str(os.getpid() if pid is None else pid):
            return cls(math.inf, math.inf)
        return cls(int(microseconds) / 1e6 / _SIGNS, -math.inf)

    def calm(self, is_well: Callable[[], bool]) -> None:
        """Give a sign if one is due and `is_well`, which is not asked otherwise."""
        now = time.monotonic()
        if now >= self.due and is_well():
            notify_alive()
            self.due = now + self.every
