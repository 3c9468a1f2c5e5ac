"""Waiting for what takes its time."""

import contextlib
import time
from collections.abc import Callable


def eventually(claim: Callable[[], object], *, seconds: float = 20.0, every: float = 0.02) -> bool:
    """Ask until `claim` holds, for so long at most, and return whether it does.

    One that raises OSError does not hold yet: what it looks at is not there.
    """
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError):
            if claim():
                return True
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
