"""Where a sidecar is told what to do: a file of the live rendering, or whatever else has a stamp."""

from pathlib import Path
from typing import Protocol


class Source(Protocol):
    """What a sidecar is to do, as text."""

    def stamp(self) -> object:
        """Return what differs once it has changed; must not block, and raises nothing."""
        ...

    def read(self) -> str | None:
        """Return it, None if there is nothing to do; raises OSError and PassthruError."""
        ...


class LiveFile:
    """A file that is replaced when it changes; links on the way to it may change too."""

    def __init__(self, path: Path) -> None:
        """Name it."""
        self._path = path

    def stamp(self) -> object:
        """Return what tells one file from another, and from none."""
        try:
            return file_stamp(self._path)
        except OSError as fault:
            return fault.errno

    def read(self) -> str | None:
        """Return its text; None if it is not there."""
        try:
            return self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None


def file_stamp(path: Path) -> tuple[int, int, int]:
    """Return what differs once another file is at `path`; raises OSError."""
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_mtime_ns
