"""A file system tree in memory, limited to what a NAR can hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias

from passthru.errors import FormatError
from passthru.nix.excerpt import excerpt

LONGEST_NAME: Final = 1024  # bytes; Linux has 255
LONGEST_TARGET: Final = 4096  # bytes; PATH_MAX of Linux


@dataclass(frozen=True, slots=True)
class File:
    """A regular file."""

    contents: bytes
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Symlink:
    """A symbolic link."""

    target: str

    def __post_init__(self) -> None:
        check_target(to_bytes(self.target))


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory; its entries are kept in a NAR's order, that of the bytes of their names."""

    entries: Mapping[str, "Node"]

    def __post_init__(self) -> None:
        named = sorted((to_bytes(name), name) for name in self.entries)
        for name, _ in named:
            check_name(name)
        if len({name for name, _ in named}) < len(named):
            raise FormatError("a name comes twice in a directory, in two spellings")
        entries = {name: self.entries[name] for _, name in named}
        object.__setattr__(self, "entries", MappingProxyType(entries))


Node: TypeAlias = File | Directory | Symlink


def to_bytes(text: str) -> bytes:
    """Give the bytes of a name or target; those that are no UTF-8 are surrogate escapes."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise FormatError(f"{excerpt(text)} cannot be a name or a target: no bytes") from None


def to_text(data: bytes) -> str:
    """Undo `to_bytes`."""
    return data.decode("utf-8", "surrogateescape")


def check_name(name: bytes) -> None:
    """Refuse names that no directory entry has (parse() of Nix's src/libutil/archive.cc)."""
    if name in {b"", b".", b".."} or b"/" in name or b"\0" in name:
        raise FormatError(f"{excerpt(name)} cannot be the name of a directory entry")
    if len(name) > LONGEST_NAME:
        raise FormatError(f"the name {excerpt(name)} is too long: {len(name)} bytes")


def check_target(target: bytes) -> None:
    """Refuse targets that no symbolic link can have."""
    if not target or b"\0" in target:
        raise FormatError(f"{excerpt(target)} cannot be the target of a symbolic link")
    if len(target) > LONGEST_TARGET:
        raise FormatError(f"the target {excerpt(target)} is too long: {len(target)} bytes")
