"""How much a zone of the cache holds: its directory walked now and then, with long pauses."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from passthru.cache.place import entries, folders, is_stored_name

SHARE: Final = 0.1
"""Of the time that a walk takes, what it may spend working."""

_BLOCK: Final = 512  # stat(2)
_LONGEST_PAUSE: Final = 0.5


@dataclass(frozen=True, slots=True)
class ZoneScan:
    """What a walk found."""

    used_bytes: int
    files: int
    at: float
    """When it ended, seconds since 1970."""

    seconds: float
    """How long it took, pauses included."""


def scan_zone(
    directory: str,
    *,
    pause: Callable[[float], bool] = lambda _seconds: True,
) -> ZoneScan | None:
    """Walk a zone; None if `pause` said so, or it cannot be read.

    `pause` is called with the seconds to rest after each folder, and returns whether to go on.
    """
    began = time.monotonic()
    used = files = 0
    try:
        os.listdir(directory)  # noqa: PTH208 - to fail now, and not to count an unreadable one as empty
    except OSError:
        return None
    for folder in folders(directory):
        start = time.monotonic()
        size, count = _sum(folder.path)
        used, files = used + size, files + count
        worked = time.monotonic() - start
        if not pause(min(_LONGEST_PAUSE, worked * (1 / SHARE - 1))):
            return None
    return ZoneScan(used, files, time.time(), time.monotonic() - began)


def _sum(folder: str) -> tuple[int, int]:
    """Return how many bytes of disk the stored files of a folder take, and how many they are."""
    used = files = 0
    for entry in entries(folder):
        if is_stored_name(entry.name):
            with suppress(OSError):  # nginx has just removed it
                used += entry.stat(follow_symlinks=False).st_blocks * _BLOCK
                files += 1
    return used, files
