"""Following the log, by inode and offset, across whatever is done to the file."""

import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from passthru.stats.position import HEAD_BYTES, Position, digest

CHUNK_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Chunk:
    """What was read at once."""

    lines: bytes
    """Whole lines, each with its newline; empty when there is nothing new."""

    position: Position | None
    """Where they end: what to keep together with what was made of them."""

    overlong: int = 0
    """Lines that were too long to be read, and are not in `lines`."""

    behind_bytes: int = 0
    """What is written already and was not read yet."""

    fault: str | None = None
    """Why nothing could be read, for people; reading goes on when it is over."""


class Tail:
    """Reads a log chunk by chunk; leave the context, or `close`, to let go of the file."""

    def __init__(self, path: str, position: Position | None = None) -> None:
        """Go on after `position`; without one, begin with the oldest log that is there."""
        self._path = Path(path)
        self._position = position

    def read(self) -> Chunk:
        """Return what comes next, at most CHUNK_BYTES; never raises for what the disk does."""
        try:
            with self._path.open("rb") as log:
                found = os.fstat(log.fileno())
                last = self._position
                start = last.offset if last and last.inode == found.st_ino else 0
                log.seek(start)
                data = log.read(CHUNK_BYTES)
                lines = data[: data.rfind(b"\n") + 1]
                end = start + len(lines)
                log.seek(0)
                head = digest(log.read(min(end, HEAD_BYTES)))
        except OSError as fault:
            return Chunk(b"", self._position, fault=f"cannot read {self._path}: {fault.strerror}")
        self._position = Position(found.st_ino, end, head, found.st_mtime_ns)
        return Chunk(lines, self._position, behind_bytes=found.st_size - end)

    def close(self) -> None:
        """Let go of the file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
