"""One download as nginx writes it: a file beside the place where it will be stored."""

import errno
import fcntl
import os
import stat
from enum import StrEnum
from typing import Final, Self

from passthru.cache.head import LONGEST_HEAD
from passthru.fills.head import Head, read_head

_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


class Phase(StrEnum):
    """What is to be expected of a download."""

    GROWING = "growing"
    STORED = "stored"
    GONE = "gone"


class Fill:
    """An open file that grows; `close` it."""

    def __init__(self, descriptor: int, head: Head, path: str) -> None:
        """Take over the descriptor of a file whose head was read; `path` is where it will be."""
        self.descriptor = descriptor
        self.head = head
        self._path = path
        found = os.fstat(descriptor)
        self.identity = (found.st_dev, found.st_ino)

    @classmethod
    def open(cls, path: str, final: str, key: str) -> Self | None:
        """Open the download of `key` at `path`; None if it is anything but that."""
        try:
            descriptor = os.open(path, _FLAGS)
        except OSError:
            return None
        try:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                head = read_head(os.pread(descriptor, LONGEST_HEAD, 0), os.fsencode(key))
                if head is not None:
                    return cls(descriptor, head, final)
        except OSError:
            pass
        os.close(descriptor)
        return None

    def close(self) -> None:
        """Let go of the file."""
        os.close(self.descriptor)

    def have(self) -> int:
        """Return how many bytes of the body are there."""
        have = max(0, os.fstat(self.descriptor).st_size - self.head.start)
        return have if self.head.length is None else min(have, self.head.length)

    def is_stored(self) -> bool:
        """Say whether nginx has moved it to its place."""
        try:
            found = os.lstat(self._path)
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == self.identity

    def is_written(self) -> bool:
        """Say whether a process has it open for writing; True where the file system cannot tell.

        A read lease is given on no file that is (fcntl(2)), and taken back at once.
        """
        try:
            fcntl.fcntl(self.descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        except OSError as fault:
            return fault.errno in {
                errno.EAGAIN,
                errno.EINVAL,
                errno.EACCES,
                errno.EPERM,
                errno.ENOSYS,
            }
        fcntl.fcntl(self.descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        return False

    def look(self) -> tuple[Phase, int]:
        """Return the phase, and how many bytes of the body are there in it or before."""
        stored = self.is_stored()  # first: what is stored is whole
        found = os.fstat(self.descriptor)
        have = self.have()
        if stored:
            return Phase.STORED, have
        if found.st_nlink == 0:
            return Phase.GONE, have
        return Phase.GROWING, have
