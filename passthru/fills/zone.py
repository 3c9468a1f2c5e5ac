"""The directory of a zone: where the answer of a key is, and what is there of it."""

import os
import re
from dataclasses import dataclass
from hashlib import md5
from typing import Final

from passthru.fills.fill import Fill

_NUMBER: Final = re.compile(r"\.[0-9]{10}")


@dataclass(frozen=True, slots=True)
class Seen:
    """What is there of one key."""

    stored: bool = False
    fill: Fill | None = None
    """A download that somebody is writing; to be closed by whoever gets it."""

    dead: bool = False
    """Whether there is one that nobody writes any more: its worker was killed."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A proxy_cache_path with use_temp_path=off."""

    directory: str
    levels: tuple[int, ...]

    def path(self, key: str) -> str:
        """Return where nginx stores the answer of `key` (ngx_create_hashed_filename)."""
        name = md5(os.fsencode(key), usedforsecurity=False).hexdigest()
        folders, end = [], len(name)
        for level in self.levels:
            folders.append(name[end - level : end])
            end -= level
        return "/".join((self.directory, *folders, name))

    def look(self, key: str) -> Seen:
        """Look for the stored answer of `key`, and for downloads of it."""
        path = self.path(key)
        if os.path.lexists(path):
            return Seen(stored=True)
        dead, best = False, None
        for beside in _beside(path):
            fill = Fill.open(beside, path, key)
            if fill is None:
                continue
            if not fill.is_written():
                # Written to its end just now, or never to be.
                dead = dead or not fill.is_stored()
                fill.close()
            elif best is None or fill.have() > best.have():
                if best is not None:
                    best.close()
                best = fill
            else:
                fill.close()
        return Seen(fill=best, dead=dead)


def _beside(path: str) -> list[str]:
    """Return nginx's temporary files for `path` (ngx_create_temp_file)."""
    folder, _, name = path.rpartition("/")
    try:
        with os.scandir(folder) as entries:
            return [
                entry.path
                for entry in entries
                if entry.name.startswith(name) and _NUMBER.fullmatch(entry.name, len(name))
            ]
    except OSError:
        return []
