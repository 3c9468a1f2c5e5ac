"""Signs of life that a child gives through a pipe; one that is frozen gives none.

Not the time of a file: nobody can remove a pipe, nor set its clock.
"""

import os
import time
from contextlib import suppress
from typing import Final, Self

from passthru.nginx.notify import VOICE

SILENCE: Final = 15.0
"""Seconds of silence after which a child is taken for frozen: three signs that did not come."""

_LONGEST_STEP: Final = 2.0
"""What counts of the time between two looks at most: we may have been frozen ourselves."""

_ALL: Final = 65536


class Pulse:
    """What is heard of one child; it counts from the first sign, for a start may take its time."""

    def __init__(self, patience: float) -> None:
        """Open the pipe; `patience` is in seconds. Raises OSError."""
        self._ear, self.voice = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._patience = patience
        self._silence = 0.0
        self._has_begun = False
        self._looked_at = time.monotonic()

    @classmethod
    def of(cls, patience: float | None) -> Self | None:
        """Return one, or None for a child that gives no signs."""
        return None if patience is None else cls(patience)

    @property
    def environment(self) -> dict[str, str]:
        """What tells the child of it, in systemd's words (sd_watchdog_enabled(3)) and one of ours."""
        return {"WATCHDOG_USEC": str(int(self._patience * 1e6)), VOICE: str(self.voice)}

    def is_handed_over(self) -> None:
        """Close the end that the child has now."""
        os.close(self.voice)

    def is_lost(self) -> bool:
        """Say whether the child has been silent for too long; to be asked again and again."""
        now = time.monotonic()
        step, self._looked_at = min(now - self._looked_at, _LONGEST_STEP), now
        if self._hears():
            self._has_begun, self._silence = True, 0.0
        elif self._has_begun:
            self._silence += step
        return self._silence > self._patience

    def close(self) -> None:
        """Listen no more."""
        os.close(self._ear)

    def _hears(self) -> bool:
        with suppress(BlockingIOError):
            return bool(os.read(self._ear, _ALL))
        return False
