"""The directory of a zone: where the answer of a key is, and what is there of it."""

import os
from dataclasses import dataclass

from passthru.cache.place import downloads, file_path
from passthru.fills.fill import Fill


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
    levels: str

    def path(self, key: str) -> str:
        """Return where nginx stores the answer of `key`; raises ValueError as `file_path` does."""
        return file_path(self.directory, self.levels, key)

    def look(self, key: str) -> Seen:
        """Look for the stored answer of `key`, and for downloads of it."""
        path = self.path(key)
        if os.path.lexists(path):
            return Seen(stored=True)
        dead, best = False, None
        for beside in downloads(path):
            fill = Fill.open(beside.path, path, key)
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
