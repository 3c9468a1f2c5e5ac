"""Following the log, by inode and offset, across whatever is done to the file."""

import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from passthru.stats.log_files import LogFile, head_of, is_at, log_files
from passthru.stats.position import Position

CHUNK_BYTES: Final = 1 << 20
LINGER_SECONDS: Final = 3.0
"""How long nginx's workers may still write to a file after a new one is there."""

_SCANNED_AT_ONCE: Final = 64

logger: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Chunk:
    """What was read at once."""

    lines: bytes
    """Whole lines, each with its newline; empty when there is nothing new."""

    position: Position | None
    """Where they end: what to keep together with what was made of them."""

    overlong: int = 0
    """Lines longer than a chunk, which are not in `lines`."""

    behind_bytes: int = 0
    """What is written already and was not read yet."""

    fault: str | None = None
    """Why nothing could be read, for people; reading goes on when it is over."""


class Tail:
    """Reads a log chunk by chunk; leave the context, or `close`, to let go of the file."""

    def __init__(
        self,
        path: str,
        position: Position | None = None,
        *,
        chunk_bytes: int = CHUNK_BYTES,
        linger_seconds: float = LINGER_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Go on after `position`; without one, begin with the oldest file that is there."""
        self._path = Path(path)
        self._position = position
        self._chunk_bytes = chunk_bytes
        self._linger_seconds = linger_seconds
        self._clock = clock
        self._log: BinaryIO | None = None
        self._scanned = 0
        """How many bytes of an overlong line were passed over."""
        self._ended: tuple[int, float] | None = None
        """How large the file was when its successor was there, and since when it is."""

    def read(self) -> Chunk:
        """Return what comes next, about a chunk; never raises for what the disk does.

        A half line waits until it is whole, or until its file is given up for the next one.
        """
        try:
            return self._read()
        except OSError as fault:
            self.close()
            what = fault.strerror or str(fault)
            return Chunk(b"", self._position, fault=f"cannot read {self._path}: {what}")

    def close(self) -> None:
        """Let go of the file; the next `read` opens it again."""
        if self._log is not None:
            self._log.close()
        self._log, self._ended, self._scanned = None, None, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _read(self) -> Chunk:
        if self._log is None or self._position is None or not is_at(self._log, self._position):
            self._find()
        log, last = self._log, self._position
        if log is None or last is None:
            return Chunk(b"", last)
        data = os.pread(log.fileno(), self._chunk_bytes, last.offset)
        length = data.rfind(b"\n") + 1
        if length:
            return self._go_on(log, last.offset + length, data[:length])
        if len(data) < self._chunk_bytes:
            return self._at_end(log, data)
        return self._pass_over(log, last)

    def _find(self) -> None:
        """Open the file that the position is in, or the one to go on with."""
        self.close()
        last, files = self._position, log_files(self._path)
        for file in self._likely(files):
            self._log = file.path.open("rb")
            if last is None or is_at(self._log, last):
                self._move(self._log, last.offset if last else 0)
                return
            self.close()
        following = self._following(files)
        if following:
            if last is not None and last.offset:
                logger.warning("%s was emptied or replaced, and is read anew", self._path)
            self._take(following[0].path.open("rb"), 0)

    def _likely(self, files: tuple[LogFile, ...]) -> list[LogFile]:
        """Return the files that the position may be in: its own, then copies of it, newest first."""
        last = self._position
        if last is None:
            return list(files[:1])
        own = [file for file in files if file.inode == last.inode]
        if last.offset == 0:  # it was empty: what was written since may be in a copy by now
            older = files[: files.index(own[0])] if own else ()
            return [file for file in older if file.written_ns > last.seen_ns] + own
        return own + [file for file in reversed(files) if file.inode != last.inode]

    def _following(self, files: tuple[LogFile, ...]) -> tuple[LogFile, ...]:
        """Return the files that come after the one of our position.

        If that is not there any more, they are those written to since: none is read twice.
        """
        last = self._position
        if last is None:
            return files
        for index, file in enumerate(files):
            if file.inode == last.inode and self._log is not None:
                return files[index + 1 :]
        return tuple(
            file for file in files if file.path == self._path or file.written_ns > last.seen_ns
        )

    def _take(self, log: BinaryIO, offset: int) -> None:
        self.close()
        self._log = log
        self._move(log, offset)

    def _move(self, log: BinaryIO, offset: int) -> None:
        state = os.fstat(log.fileno())
        self._position = Position(state.st_ino, offset, head_of(log, offset), state.st_mtime_ns)

    def _go_on(self, log: BinaryIO, offset: int, lines: bytes, *, overlong: int = 0) -> Chunk:
        """Move past what was read."""
        self._ended, self._scanned = None, 0
        self._move(log, offset)
        return Chunk(lines, self._position, overlong, self._behind(log))

    def _pass_over(self, log: BinaryIO, last: Position) -> Chunk:
        """Look for the end of a line that is longer than a chunk, without keeping it."""
        for _ in range(_SCANNED_AT_ONCE):
            start = last.offset + self._scanned
            data = os.pread(log.fileno(), self._chunk_bytes, start)
            end = data.find(b"\n") + 1
            if end:
                return self._go_on(log, start + end, b"", overlong=1)
            if not data:
                return self._at_end(log, b"")
            self._scanned += len(data)
        return Chunk(b"", last, behind_bytes=self._behind(log))

    def _at_end(self, log: BinaryIO, half: bytes) -> Chunk:
        """Wait for more, or go over to the next file if there will be no more."""
        following = self._following(log_files(self._path))
        size = os.fstat(log.fileno()).st_size
        if not following or not self._is_over(size, following):
            return Chunk(b"", self._position, behind_bytes=self._behind(log))
        successor = following[0].path.open("rb")
        if os.fstat(successor.fileno()).st_ino != following[0].inode:  # renamed meanwhile
            successor.close()
            return Chunk(b"", self._position, behind_bytes=self._behind(log))
        overlong = int(self._scanned > 0)
        self._take(successor, 0)
        # At once, because an offset of 0 tells nothing of which file it is in.
        data = os.pread(successor.fileno(), self._chunk_bytes, 0)
        length = data.rfind(b"\n") + 1
        lines = (half + b"\n" if half and not overlong else b"") + data[:length]
        return self._go_on(successor, length, lines, overlong=overlong)

    def _is_over(self, size: int, following: tuple[LogFile, ...]) -> bool:
        """Whether nobody writes to our file any more: others have come, and it rests."""
        if len(following) > 1:
            return True
        now = self._clock()
        if self._ended is None or self._ended[0] != size:
            self._ended = size, now
        return now - self._ended[1] >= self._linger_seconds

    def _behind(self, log: BinaryIO) -> int:
        rest = os.fstat(log.fileno()).st_size - (self._position.offset if self._position else 0)
        return max(0, rest) + sum(file.size for file in self._following(log_files(self._path)))
