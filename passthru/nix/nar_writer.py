"""NARs from trees in memory or on disk, written piece by piece."""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from passthru.errors import FormatError
from passthru.nix.excerpt import excerpt
from passthru.nix.hashes import Hash, HashAlgorithm
from passthru.nix.nar_events import (
    MOST_LEVELS,
    DirectoryBegin,
    DirectoryEnd,
    Event,
    FileBegin,
    FileData,
    FileEnd,
    Link,
)
from passthru.nix.nar_source import MAGIC, PIECE
from passthru.nix.nar_tree import Directory, File, Node, Symlink, to_bytes


@dataclass(frozen=True, slots=True)
class NarDigest:
    """The NarHash and NarSize of a narinfo."""

    hash: Hash
    size: int


def nar_bytes(tree: Node) -> bytes:
    """Write a tree as one NAR."""
    return b"".join(tree_chunks(tree))


def tree_chunks(tree: Node) -> Iterator[bytes]:
    """Write a tree in memory as the pieces of its NAR."""
    return encode_nar(_walk_tree("", tree, 1))


def path_chunks(path: Path) -> Iterator[bytes]:
    """Write what is at a path as the pieces of its NAR.

    Raise OSError for what cannot be read, FormatError for what a NAR cannot hold.
    """
    return encode_nar(_walk_path("", path, 1))


def nar_digest(chunks: Iterable[bytes]) -> NarDigest:
    """Hash and count the pieces of a NAR."""
    sha256 = hashlib.sha256()
    size = 0
    for chunk in chunks:
        sha256.update(chunk)
        size += len(chunk)
    return NarDigest(Hash(HashAlgorithm.SHA256, sha256.digest()), size)


def encode_nar(events: Iterable[Event]) -> Iterator[bytes]:
    """Turn the well-formed events of one tree into the pieces of a NAR."""
    yield _tokens(MAGIC)
    depth = size = written = 0
    for event in events:
        match event:
            case DirectoryBegin(name):
                yield _open(name, depth) + _tokens(b"(", b"type", b"directory")
                depth += 1
            case DirectoryEnd():
                depth -= 1
                yield _close(depth)
            case FileBegin(name, size, executable):
                written = 0
                marks = (b"executable", b"") if executable else ()
                kind = _tokens(b"(", b"type", b"regular", *marks, b"contents")
                yield _open(name, depth) + kind + _number(size)
            case FileData(data):
                written += len(data)
                yield data
            case FileEnd():
                if written != size:
                    raise FormatError(f"a file changed its size: {size} bytes, then {written}")
                yield b"\0" * (-size % 8) + _close(depth)
            case Link(name, target):
                kind = _tokens(b"(", b"type", b"symlink", b"target", to_bytes(target))
                yield _open(name, depth) + kind + _close(depth)
            case _:
                assert_never(event)


def _number(value: int) -> bytes:
    return value.to_bytes(8, "little")


def _tokens(*texts: bytes) -> bytes:
    return b"".join(_number(len(text)) + text + b"\0" * (-len(text) % 8) for text in texts)


def _open(name: str, depth: int) -> bytes:
    return _tokens(b"entry", b"(", b"name", to_bytes(name), b"node") if depth else b""


def _close(depth: int) -> bytes:
    return _tokens(b")", b")") if depth else _tokens(b")")


def _walk_tree(name: str, node: Node, level: int) -> Iterator[Event]:
    match node:
        case File(contents, executable):
            yield FileBegin(name, len(contents), executable)
            yield FileData(contents)
            yield FileEnd()
        case Symlink(target):
            yield Link(name, target)
        case Directory(entries):
            _check_level(level)
            yield DirectoryBegin(name)
            for child_name, child in entries.items():
                yield from _walk_tree(child_name, child, level + 1)
            yield DirectoryEnd()
        case _:
            assert_never(node)


def _walk_path(name: str, path: Path, level: int) -> Iterator[Event]:
    mode = path.lstat().st_mode
    if stat.S_ISREG(mode):
        yield from _walk_file(name, path)
    elif stat.S_ISLNK(mode):
        yield Link(name, os.readlink(path))  # noqa: PTH115  (a Path would tidy the target)
    elif stat.S_ISDIR(mode):
        _check_level(level)
        yield DirectoryBegin(name)
        for child in sorted(path.iterdir(), key=lambda child: to_bytes(child.name)):
            yield from _walk_path(child.name, child, level + 1)
        yield DirectoryEnd()
    else:
        raise FormatError(f"{excerpt(str(path))} is neither file, directory nor symbolic link")


def _walk_file(name: str, path: Path) -> Iterator[Event]:
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        yield FileBegin(name, status.st_size, bool(status.st_mode & stat.S_IXUSR))
        while data := file.read(PIECE):
            yield FileData(data)
    yield FileEnd()


def _check_level(level: int) -> None:
    if level > MOST_LEVELS:
        raise FormatError(f"the tree is too deep: more than {MOST_LEVELS} levels")
