"""The files that a log is in: the one being written, and those it was before."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from passthru.stats.position import HEAD_BYTES, Position, digest

_COMPRESSED: Final = frozenset({".gz", ".xz", ".zst", ".bz2", ".lz4"})


@dataclass(frozen=True, slots=True)
class LogFile:
    """One file, as it was when it was looked at."""

    path: Path
    inode: int
    size: int
    written_ns: int


def log_files(path: Path) -> tuple[LogFile, ...]:
    """Return the files of the log at `path`, oldest first; raises OSError.

    Older ones are beside it, with a number (`access.log.2` is older than `access.log.1`) or a date
    behind its name (`access.log-20261120`). Compressed ones are left out.
    """
    found = []
    with os.scandir(path.parent) as entries:
        for entry in entries:
            if not entry.name.startswith(path.name) or not entry.is_file():
                continue
            if Path(entry.name).suffix in _COMPRESSED:
                continue
            state = entry.stat()
            found.append((_age(entry.name.removeprefix(path.name)), Path(entry.path), state))
    return tuple(
        LogFile(place, state.st_ino, state.st_size, state.st_mtime_ns)
        for age, place, state in sorted(found, key=lambda one: one[0] or (0,))
        if age is not None
    )


def _age(suffix: str) -> tuple[int, int, str] | None:
    """Return what sorts the files by age, oldest first; None if it is none of the log's."""
    if not suffix:
        return 2, 0, ""
    if re.fullmatch(r"\.\d{1,9}", suffix):
        return 1, -int(suffix[1:]), ""
    if re.fullmatch(r"[.-][\d.:T_-]+", suffix):
        return 0, 0, suffix
    return None


def is_at(log: BinaryIO, position: Position) -> bool:
    """Tell whether an open file is the one that a position is in; raises OSError."""
    if os.fstat(log.fileno()).st_size < position.offset:
        return False
    return head_of(log, position.offset) == position.head


def head_of(log: BinaryIO, offset: int) -> str:
    """Return the digest that a position at `offset` has; raises OSError."""
    return digest(os.pread(log.fileno(), min(offset, HEAD_BYTES), 0))
