"""A sample of what the access log gained: the newest of it, and how much more there was."""

import os
import stat
from dataclasses import dataclass
from typing import Final

LARGEST: Final = 65536
"""Bytes that are read at a time, however many came."""

_FLAGS: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


@dataclass(frozen=True, slots=True)
class Sample:
    """Some lines, the first of them maybe cut, and how many lines each of them stands for."""

    data: bytes
    weight: float


_NOTHING: Final = Sample(b"", 1.0)


class Log:
    """A log that others write and rotate; what was in it at first is passed over."""

    def __init__(self, path: str) -> None:
        """Name it."""
        self.path = path
        self._identity: tuple[int, int] | None = None
        self._end = 0

    def sample(self) -> Sample:
        """Return a sample of what came since the last call; raises OSError."""
        try:
            descriptor = os.open(self.path, _FLAGS)
        except FileNotFoundError:  # between two of them
            return _NOTHING
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                return _NOTHING
            begin = self._begin(found)
            came = found.st_size - begin
            size = min(came, LARGEST)
            data = os.pread(descriptor, size, found.st_size - size) if size else b""
        finally:
            os.close(descriptor)
        return Sample(data, came / len(data)) if data else _NOTHING

    def _begin(self, found: os.stat_result) -> int:
        """Return where what is new begins, and note where it ends."""
        identity = (found.st_dev, found.st_ino)
        is_first, is_other = self._identity is None, identity != self._identity
        begin = found.st_size if is_first else 0 if is_other else self._end
        self._identity, self._end = identity, found.st_size
        return begin if begin <= found.st_size else 0
