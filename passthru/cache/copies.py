"""Copies of hot narinfos, which nginx serves as plain files: where they are, and their end.

`DIRECTORY/DIGEST/INDEX/HASH.narinfo`: the digest is of all that a copy's bytes follow from, and the
index is that of its upstream, from 1 on. nginx looks for them by these names (templates/nginx/server/).
"""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from passthru.cache.place import entries

SEEN: Final = 1.1
"""Seconds after which every worker of nginx knows that one is gone (open_file_cache_valid 1s)."""

_DIGEST: Final = re.compile(r"[0-9a-f]{8}")
_INDEX: Final = re.compile(r"[1-9]")
_OURS: Final = re.compile(r"[0-9a-z]{32}\.narinfo(?:\.new)?")


def shelf_path(root: str, index: int) -> str:
    """Return the directory of one upstream's copies; `root` is that of a digest."""
    return f"{root}/{index}"


def copies_of(directory: str, target: str) -> tuple[str, ...]:
    """Return the copies that there are of a narinfo, named by its path from the slash on."""
    found = []
    for shelf in _shelves(directory):
        path = f"{shelf}{target}"
        if os.path.lexists(path):
            found.append(path)
    return tuple(found)


def remove_copies(directory: str, target: str) -> int:
    """Remove the copies of a narinfo, and return how many there were; raises OSError."""
    count = 0
    for path in copies_of(directory, target):
        with suppress(FileNotFoundError):
            os.unlink(path)  # noqa: PTH108 - thousands of them
            count += 1
    return count


def clear_copies(directory: str) -> None:
    """Remove all copies, and the directories that only they were in; raises OSError.

    Only what is named as ours is removed, and no link is followed.
    """
    for digest in _folders(directory, _DIGEST):
        for shelf in _folders(digest, _INDEX):
            for entry in entries(shelf):
                if _OURS.fullmatch(entry.name):
                    with suppress(FileNotFoundError, IsADirectoryError):
                        os.unlink(entry.path)  # noqa: PTH108
            _remove_empty(shelf)
        _remove_empty(digest)
    _remove_empty(directory)


def _shelves(directory: str) -> Iterator[str]:
    for digest in _folders(directory, _DIGEST):
        yield from _folders(digest, _INDEX)


def _folders(place: str, names: re.Pattern[str]) -> Iterator[str]:
    for entry in entries(place):
        if names.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
            yield entry.path


def _remove_empty(path: str) -> None:
    with suppress(OSError):  # not ours, or another one is at work there
        os.rmdir(path)  # noqa: PTH106
