"""Where nginx keeps answers in the directory of a zone, and how its files are called.

A stored answer has the MD5 of its key for a name (ngx_create_hashed_filename). A download is beside
its place, because of `use_temp_path=off`, with ten digits behind the name (ngx_create_temp_file).
"""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from hashlib import md5
from typing import Final

LEVELS: Final = "1:2"
"""The levels of folders below the directory of each of our zones, as in proxy_cache_path."""

_STORED: Final = re.compile(r"[0-9a-f]{32}")
_DOWNLOAD: Final = re.compile(r"[0-9a-f]{32}\.[0-9]{10}")


def file_path(directory: str, levels: str, key: str) -> str:
    """Return where nginx keeps the answer of `key`; raises ValueError for `levels` that are none.

    What is no UTF-8 in a key is in the string as `surrogateescape` leaves it.
    """
    raw = key.encode("utf-8", "surrogateescape")
    name = md5(raw, usedforsecurity=False).hexdigest()
    folders, end = [], len(name)
    for width in map(int, levels.split(":")):
        folders.append(name[end - width : end])
        end -= width
    return "/".join((directory, *folders, name))


def is_stored_name(name: str) -> bool:
    """Tell whether a file of this name is a stored answer."""
    return _STORED.fullmatch(name) is not None


def is_download_name(name: str) -> bool:
    """Tell whether a file of this name is a download, or what is left of one."""
    return _DOWNLOAD.fullmatch(name) is not None


def downloads(path: str) -> list[os.DirEntry[str]]:
    """Return the downloads of the answer whose place is `path`."""
    folder, _, name = path.rpartition("/")
    return [
        entry
        for entry in entries(folder)
        if entry.name.startswith(name) and is_download_name(entry.name)
    ]


def folders(directory: str) -> Iterator[os.DirEntry[str]]:
    """Yield the folders that files are in: as deep as LEVELS has it, and behind no link."""
    for first in entries(directory):
        if first.is_dir(follow_symlinks=False):
            for second in entries(first.path):
                if second.is_dir(follow_symlinks=False):
                    yield second


def entries(folder: str) -> list[os.DirEntry[str]]:
    """Return what is in a folder; nothing if it cannot be read."""
    with suppress(OSError), os.scandir(folder) as found:
        return list(found)
    return []
