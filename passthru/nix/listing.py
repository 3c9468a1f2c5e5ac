"""The listing of a NAR, `H.ls`: names, sizes and where each file's contents are."""

import json
from collections.abc import Iterable
from typing import Final, TypeAlias, assert_never

from passthru.errors import FormatError
from passthru.nix.excerpt import excerpt
from passthru.nix.nar_events import (
    DirectoryBegin,
    DirectoryEnd,
    Event,
    FileBegin,
    FileData,
    FileEnd,
    Link,
)

VERSION: Final = 1

Entries: TypeAlias = dict[str, object]


def make_listing(events: Iterable[Event]) -> bytes:
    """Print the listing of a NAR from the events of reading it, as compact sorted JSON.

    The shape is that of `write-nar-listing`; raise FormatError for names that are
    not UTF-8, which JSON cannot hold.
    """
    open_directories: list[Entries] = [{}]
    for event in events:
        entries = open_directories[-1]
        match event:
            case DirectoryBegin(name):
                children: Entries = {}
                entries[name] = {"type": "directory", "entries": children}
                open_directories.append(children)
            case DirectoryEnd():
                open_directories.pop()
            case FileBegin(name, size, executable, offset):
                mark = {"executable": True} if executable else {}
                entries[name] = {"type": "regular", "size": size, "narOffset": offset, **mark}
            case Link(name, target):
                entries[name] = {"type": "symlink", "target": target}
            case FileData() | FileEnd():
                pass
            case _:
                assert_never(event)
    return _print({"version": VERSION, "root": open_directories[0][""]})


def _print(listing: Entries) -> bytes:
    text = json.dumps(listing, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        around = text[max(0, error.start - 20) : error.end]
        raise FormatError(f"a name in the NAR is not UTF-8: {excerpt(around)}") from None
