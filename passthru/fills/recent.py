"""What is remembered for a while, and of so many at most."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

_MOST: Final = 10_000


class Recent:
    """Numbers by key, each for `seconds`; of more than 10,000 the oldest are forgotten."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with none."""
        self._seconds, self._clock = seconds, clock
        self._notes: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def note(self, key: str, number: int = 0) -> None:
        """Remember this of `key` from now on, in place of what was."""
        self._notes[key] = self._clock(), number
        self._notes.move_to_end(key)
        if len(self._notes) > _MOST:
            self._notes.popitem(last=False)

    def get(self, key: str) -> int | None:
        """Return what is remembered of `key`."""
        return self._notes[key][1] if self.age(key) is not None else None

    def age(self, key: str) -> float | None:
        """Return for how many seconds something is remembered of `key` already."""
        now = self._clock()
        while self._notes and now - next(iter(self._notes.values()))[0] > self._seconds:
            self._notes.popitem(last=False)
        return now - self._notes[key][0] if key in self._notes else None
