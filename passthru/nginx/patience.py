"""Waiting for something that is about to be true, for a bounded time."""

import time
from collections.abc import Callable
from typing import Final

_FIRST: Final = 0.005
_LONGEST: Final = 0.1


def wait_until(claim: Callable[[], bool], *, seconds: float) -> bool:
    """Ask `claim` until it holds, soon at first and then less often; False after `seconds`."""
    deadline = time.monotonic() + seconds
    pause = _FIRST
    while not claim():
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, _LONGEST)
    return True
