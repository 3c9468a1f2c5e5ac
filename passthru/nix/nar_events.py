"""A NAR as a stream of events: what readers yield and writers take."""

from dataclasses import dataclass, field
from typing import Final, TypeAlias

MOST_LEVELS: Final = 128  # directories within directories; Python compares 170 before it gives up


@dataclass(frozen=True, slots=True)
class DirectoryBegin:
    """A directory starts; the events of its entries follow, in order. The root has no name."""

    name: str


@dataclass(frozen=True, slots=True)
class DirectoryEnd:
    """The directory that was begun last has no more entries."""


@dataclass(frozen=True, slots=True)
class FileBegin:
    """A regular file starts; `size` bytes of FileData and a FileEnd follow."""

    name: str
    size: int
    executable: bool = False
    offset: int = field(default=0, compare=False)
    """Where the contents start in the NAR that was read, in bytes; 0 when none was."""


@dataclass(frozen=True, slots=True)
class FileData:
    """A piece of the contents of a file."""

    data: bytes


@dataclass(frozen=True, slots=True)
class FileEnd:
    """The contents of a file are complete."""


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link."""

    name: str
    target: str


Event: TypeAlias = DirectoryBegin | DirectoryEnd | FileBegin | FileData | FileEnd | Link
