"""NARs from anyone, read piece by piece in bounded space."""

import io
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, assert_never

from passthru.nix.excerpt import excerpt
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
from passthru.nix.nar_source import NarSource, Readable
from passthru.nix.nar_tree import (
    LONGEST_NAME,
    LONGEST_TARGET,
    Directory,
    File,
    Node,
    Symlink,
    check_name,
    check_target,
    to_text,
)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a NAR is read: files, directories and links; bytes of contents."""

    members: int = 4_000_000
    size: int = 1 << 40


DEFAULT_LIMITS: Final = Limits()


def parse_nar(data: bytes) -> Node:
    """Read a whole NAR into a tree; raise FormatError."""
    return make_tree(read_nar(io.BytesIO(data)))


def read_nar(stream: Readable, *, limits: Limits = DEFAULT_LIMITS) -> Iterator[Event]:
    """Yield the events of the one NAR in a stream, up to its end; raise FormatError.

    As strict as parse() of Nix's src/libutil/archive.cc; besides, nothing may follow.
    """
    source = NarSource(stream)
    members = size = 0
    for event in _events(source):
        if isinstance(event, FileBegin):
            size += event.size
        if isinstance(event, (FileBegin, DirectoryBegin, Link)):
            members += 1
        if members > limits.members:
            source.fail(f"more than {limits.members} files, directories and links")
        if size > limits.size:
            source.fail(f"too large: {size} bytes of contents, at most {limits.size}")
        yield event


def _events(source: NarSource) -> Iterator[Event]:
    """Walk without recursion: how deep a stranger nests is up to him."""
    source.magic()
    last_names: list[bytes] = []  # one for each directory that is open
    name = b""
    while True:
        is_directory = yield from _member(source, to_text(name), level=len(last_names) + 1)
        if is_directory:
            last_names.append(b"")
        elif last_names:
            source.expect(b")")
        while last_names and not _entry_follows(source):
            last_names.pop()
            yield DirectoryEnd()
            if last_names:
                source.expect(b")")
        if not last_names:
            break
        name = last_names[-1] = _entry_name(source, last_names[-1])
    source.end()


def make_tree(events: Iterable[Event]) -> Node:
    """Gather the well-formed events of one tree; all its contents are held in memory."""
    open_directories: list[tuple[str, dict[str, Node]]] = [("", {})]
    pieces: list[bytes] = []
    file = FileBegin("", size=0)
    for event in events:
        entries = open_directories[-1][1]
        match event:
            case DirectoryBegin(name):
                open_directories.append((name, {}))
            case DirectoryEnd():
                name, entries = open_directories.pop()
                open_directories[-1][1][name] = Directory(entries)
            case FileBegin():
                file, pieces = event, []
            case FileData(data):
                pieces.append(data)
            case FileEnd():
                entries[file.name] = File(b"".join(pieces), file.executable)
            case Link(name, target):
                entries[name] = Symlink(target)
            case _:
                assert_never(event)
    return open_directories[0][1][""]


def _member(source: NarSource, name: str, *, level: int) -> Generator[Event, None, bool]:
    """Take a file or link, or the beginning of a directory; return whether it is the latter."""
    source.expect(b"(")
    source.expect(b"type")
    match source.token():
        case b"regular":
            yield from _file(source, name)
        case b"symlink":
            source.expect(b"target")
            target = source.token(LONGEST_TARGET)
            check_target(target)
            source.expect(b")")
            yield Link(name, to_text(target))
        case b"directory":
            if level > MOST_LEVELS:
                source.fail(f"the tree is too deep: more than {MOST_LEVELS} levels")
            yield DirectoryBegin(name)
            return True
        case kind:
            source.fail(f"unknown type of file {excerpt(kind)}")
    return False


def _file(source: NarSource, name: str) -> Iterator[Event]:
    tag = source.token()
    executable = tag == b"executable"
    if executable:
        if source.token():
            source.fail("the mark of an executable file is not empty")
        tag = source.token()
    if tag != b"contents":
        source.fail(f'expected "contents", got {excerpt(tag)}')
    size = source.number()
    yield FileBegin(name, size, executable, offset=source.offset)
    yield from map(FileData, source.contents(size))
    source.expect(b")")
    yield FileEnd()


def _entry_follows(source: NarSource) -> bool:
    """Take what comes after an entry or at the start of a directory."""
    tag = source.token()
    if tag not in {b"entry", b")"}:
        source.fail(f'expected "entry" or ")", got {excerpt(tag)}')
    return tag == b"entry"


def _entry_name(source: NarSource, last: bytes) -> bytes:
    """Take the head of an entry, up to its node."""
    source.expect(b"(")
    source.expect(b"name")
    name = source.token(LONGEST_NAME)
    check_name(name)
    if name <= last:
        source.fail(f"entries out of order: {excerpt(name)} after {excerpt(last)}")
    source.expect(b"node")
    return name
