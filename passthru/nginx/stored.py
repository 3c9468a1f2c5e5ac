"""The stored answer of one key: found, read and removed, whether or not nginx runs."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from passthru.cache.head import LONGEST_HEAD, VERSION_BYTES, CacheHead, check_key, read_head
from passthru.cache.place import downloads, file_path
from passthru.errors import FormatError, PassthruError
from passthru.nginx.zones import Zone

_PIECE: Final = 1 << 20
_PERMISSION: Final = "run this as root, or as the user that runs passthru"


@dataclass(frozen=True, slots=True)
class Stored:
    """One answer on disk."""

    path: str
    head: CacheHead
    size: int
    """Bytes of the whole file."""

    @property
    def body_size(self) -> int:
        """How many bytes of body are there."""
        return self.size - self.head.body_start

    @property
    def is_cut(self) -> bool:
        """Whether the body is not as long as the upstream said."""
        length = self.head.content_length
        return length is not None and self.body_size != length

    def is_fresh(self, now: float) -> bool:
        """Tell whether nginx serves it without asking again; `now` is in seconds since 1970."""
        return self.head.valid_until >= int(now)


def find_stored(zone: Zone, key: str) -> Stored | None:
    """Return what is stored for `key`; None if nothing is.

    Raises FormatError for a file that nginx would not serve, PassthruError if it cannot be read.
    """
    path = file_path(zone.directory, zone.levels, key)
    with _opened(path, os.O_RDONLY) as descriptor:
        if descriptor is None:
            return None
        head = read_head(os.pread(descriptor, LONGEST_HEAD, 0))
        check_key(head, key)
        return Stored(path, head, os.fstat(descriptor).st_size)


def read_body(stored: Stored, *, most: int | None = None) -> Iterator[bytes]:
    """Yield the body in pieces, and none after `most` bytes; raises PassthruError."""
    with _opened(stored.path, os.O_RDONLY) as descriptor:
        place, end = stored.head.body_start, stored.size
        if most is not None:
            end = min(end, place + most)
        while descriptor is not None and place < end:
            piece = os.pread(descriptor, min(_PIECE, end - place), place)
            if not piece:
                return
            place += len(piece)
            yield piece


def downloading(zone: Zone, key: str) -> tuple[int, ...]:
    """Return how many bytes each download of `key` that is in flight has written so far."""
    sizes: list[int] = []
    for entry in downloads(file_path(zone.directory, zone.levels, key)):
        with suppress(OSError):
            sizes.append(entry.stat(follow_symlinks=False).st_size)
    return tuple(sorted(sizes, reverse=True))


def remove_stored(zone: Zone, key: str) -> int | None:
    """Let nginx forget the answer of `key`, and return how many bytes its file had; None if none.

    Safe beside a running nginx, which takes a missing file for a miss. A worker may have the file
    open for a minute to come (`open_file_cache_valid`), so that its head is made one of a version
    that nginx does not serve; who is being sent the body already gets it whole.
    Raises PassthruError.
    """
    path = file_path(zone.directory, zone.levels, key)
    with _opened(path, os.O_RDWR) as descriptor:
        if descriptor is None:
            return None
        size = os.fstat(descriptor).st_size
        with suppress(FileNotFoundError):
            Path(path).unlink()
        if size >= VERSION_BYTES.size:
            os.pwrite(descriptor, VERSION_BYTES.pack(0), 0)
        return size


@contextmanager
def _opened(path: str, flags: int) -> Iterator[int | None]:
    """Open a plain file and nothing else; yield None if there is none."""
    try:
        # Another user owns the directory: nothing there may lead us away, or make us wait.
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        yield None
        return
    except OSError as fault:
        raise _unusable(path, fault) from fault
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise FormatError(f"{path} is not a file")
        yield descriptor
    except OSError as fault:
        raise _unusable(path, fault) from fault
    finally:
        os.close(descriptor)


def _unusable(path: str, fault: OSError) -> PassthruError:
    reason = (fault.strerror or str(fault)).lower()
    hint = _PERMISSION if isinstance(fault, PermissionError) else None
    return PassthruError(f"{path}: {reason}", hint=hint)
