"""The copies that nginx serves: made whole or not at all, and gone in time."""

import errno
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Final

from passthru.cache.copies import clear_copies, shelf_path
from passthru.errors import FormatError
from passthru.hot.answer import LONGEST_FILE, read_answer, rewrite
from passthru.hot.settings import Settings

LONGEST: Final = 600.0
"""Seconds that a copy lives. Then nginx looks into its cache again, which counts as use there, and
asks those upstreams again that had nothing before."""

AFTER: Final = 5.0
"""Seconds after the end of a copy within which the log may still have hits of it."""

_SHORTEST: Final = 5.0
_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_FRESH: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class _Source:
    """A file of nginx's cache, open."""

    descriptor: int

    def read(self) -> bytes:
        """Return all of it; raises FormatError for one that is no narinfo."""
        found = os.fstat(self.descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > LONGEST_FILE:
            raise FormatError("it is no file, or too large")
        return os.pread(self.descriptor, LONGEST_FILE, 0)

    def is_there(self) -> bool:
        """Say whether it is still what nginx has stored: not purged, dropped or replaced."""
        return os.fstat(self.descriptor).st_nlink > 0


class Shelf:
    """The copies of one rendering; moments are of the monotonic clock."""

    def __init__(self, settings: Settings) -> None:
        """Begin with none, and without a directory: as long as there is none, nginx looks for none."""
        self.settings = settings
        self._copies: dict[str, int] = {}
        self._ends: list[tuple[float, str]] = []
        self._identity: tuple[int, int] | None = None
        self._indices = {one.name: i for i, one in enumerate(settings.upstreams, 1)}

    def __len__(self) -> int:
        """Return how many copies there are."""
        return len(self._copies)

    def has(self, target: str) -> bool:
        """Say whether there is a copy of a narinfo, of whatever upstream."""
        return target in self._copies

    def add(self, name: str, target: str, *, now: float, clock: float) -> bool:
        """Copy what is stored of a narinfo for the upstream `name`, and say whether it was.

        `clock` is in seconds since 1970. Raises OSError where nothing can be read or written.
        """
        index = self._indices.get(name)
        if index is None:
            return False
        key = f"{name}{target}"
        try:
            descriptor = os.open(self.settings.stored(key), _FLAGS)
        except PermissionError:
            raise
        except OSError:
            return False  # dropped meanwhile; or nginx's affair to complain of
        try:
            source = _Source(descriptor)
            answer = read_answer(source.read(), key)
            lives = min(LONGEST, answer.valid_until - 1 - clock)
            if lives < _SHORTEST:
                return False
            body = rewrite(answer.body, self.settings.upstreams[index - 1].rewrites)
            if self._identity is None:
                self._make()
            path = f"{shelf_path(self.settings.root, index)}{target}"
            _write(path, body, answer.modified)
            if not source.is_there():
                os.unlink(path)  # noqa: PTH108
                return False
            self._copies[target] = index
            heappush(self._ends, (now + lives, target))
        except (FormatError, IsADirectoryError):
            return False
        finally:
            os.close(descriptor)
        return True

    def expire(self, now: float) -> list[str]:
        """Remove what has lived long enough, and return it; raises OSError."""
        gone = []
        while self._ends and self._ends[0][0] <= now:
            _, target = heappop(self._ends)
            self._remove(target)
            gone.append(target)
        if gone and not self._copies:
            self.clear()
        return gone

    def recover(self) -> None:
        """Begin anew if others removed or replaced the directory; raises OSError."""
        if self._identity is not None and self._identity != self._look():
            self.clear()

    def clear(self) -> None:
        """Remove all copies; raises OSError."""
        self._copies.clear()
        self._ends.clear()
        self._identity = None
        clear_copies(self.settings.directory)

    def _make(self) -> None:
        clear_copies(self.settings.directory)
        root = self.settings.root
        shelves = (shelf_path(root, index) for index in self._indices.values())
        for path in (self.settings.directory, root, *shelves):
            with suppress(FileExistsError):
                os.mkdir(path)  # noqa: PTH102 - a parent that is missing is not ours to make
            os.chmod(path, 0o755)  # noqa: PTH101, S103 - nginx's workers are another user
        self._identity = self._look()

    def _look(self) -> tuple[int, int] | None:
        try:
            found = os.lstat(self.settings.root)
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _remove(self, target: str) -> None:
        index = self._copies.pop(target)
        with suppress(FileNotFoundError):
            os.unlink(f"{shelf_path(self.settings.root, index)}{target}")  # noqa: PTH108


def _write(path: str, body: bytes, modified: int) -> None:
    """Put a whole file in its place; raises OSError."""
    beside = f"{path}.new"
    with suppress(FileNotFoundError):
        os.unlink(beside)  # noqa: PTH108
    descriptor = os.open(beside, _FRESH, 0o600)
    try:
        try:
            if os.write(descriptor, body) < len(body):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.utime(descriptor, (modified, modified))
            os.fchmod(descriptor, 0o644)
        finally:
            os.close(descriptor)
        os.replace(beside, path)  # noqa: PTH105
    except BaseException:
        with suppress(OSError):
            os.unlink(beside)  # noqa: PTH108
        raise
