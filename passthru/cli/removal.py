"""Which files of the cache an object is made of, and their end."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from passthru.cache.copies import SEEN, copies_of, remove_copies
from passthru.cache.place import file_path
from passthru.cli.sought import hash_in
from passthru.cli.standing import find_standing, read_stored_narinfo
from passthru.errors import FormatError
from passthru.nginx.storage import explained
from passthru.nginx.stored import remove_stored
from passthru.nginx.turn import Area, area_of, nar_target

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from passthru.cli.kept import Kept
    from passthru.nginx.zones import Zone


@dataclass(frozen=True, slots=True)
class Removal:
    """One file to be removed."""

    zone: Zone
    upstream: str
    key: str
    path: str
    size: int
    """Bytes of the file."""

    downloading: bool
    """Whether a download is in flight that takes its place when it ends."""


@dataclass(frozen=True, slots=True)
class HotCopy:
    """A copy of a narinfo that nginx serves as a plain file."""

    target: str
    path: str
    size: int


def find_copies(kept: Kept, targets: Iterable[str]) -> tuple[HotCopy, ...]:
    """Return the copies of the narinfos that are among the objects."""
    copies = []
    for target in dict.fromkeys(filter(None, map(_narinfo_of, targets))):
        for path in copies_of(kept.site.hot, target):
            with suppress(OSError):
                copies.append(HotCopy(target, path, Path(path).lstat().st_size))
    return tuple(copies)


def forget_copies(kept: Kept, targets: Iterable[str]) -> tuple[HotCopy, ...]:
    """Remove those that there are by now, and return when nginx knows; raises PassthruError.

    It is for after what they were made of was removed: then no more are made.
    """
    copies = find_copies(kept, targets)
    for copy in copies:
        with explained(f"cannot remove {copy.path}"):
            remove_copies(kept.site.hot, copy.target)
    if copies:
        time.sleep(SEEN)
    return copies


def find_removals(kept: Kept, targets: Iterable[str], *, now: float) -> tuple[Removal, ...]:
    """Return the files of the objects, each once; raises PassthruError and FormatError."""
    found: dict[str, Removal] = {}
    for target in targets:
        for path in _paths(kept, target, now):
            for removal in _removals(kept, path, now):
                found.setdefault(removal.path, removal)
    return tuple(found.values())


def remove(removals: Iterable[Removal]) -> tuple[Removal, ...]:
    """Remove the files, and return those that were there; raises PassthruError."""
    gone = []
    for removal in removals:
        size = remove_stored(removal.zone, removal.key)
        if size is not None:
            gone.append(replace(removal, size=size))
    return tuple(gone)


def _narinfo_of(target: str) -> str | None:
    found = hash_in(target)
    return f"/{found}.narinfo" if found else None


def _paths(kept: Kept, target: str, now: float) -> Iterator[str]:
    """Yield all paths of the object that `target` is a path of."""
    yield target
    found, narinfo = hash_in(target), _narinfo_of(target)
    if found is None or narinfo is None:
        return
    yield from (path for path in (narinfo, f"/{found}.ls", f"/{found}.ls.xz") if path != target)
    for entry in find_standing(narinfo, kept.zones, kept.order, now).entries:
        with suppress(FormatError):
            if entry.stored is not None:
                info = read_stored_narinfo(entry.stored, kept.spec.nix_cache_info.store_dir)
                if area_of(f"/{info.url}") is Area.NAR:
                    yield f"/{info.url}"
                nar = nar_target(info.url, entry.upstream, kept.order)
                yield from () if nar is None else (nar,)


def _removals(kept: Kept, target: str, now: float) -> Iterator[Removal]:
    standing = find_standing(target, kept.zones, kept.order, now)
    zone = kept.zones.nar if standing.area is Area.NAR else kept.zones.metadata
    for entry in standing.entries:
        path = Path(file_path(zone.directory, zone.levels, entry.key))
        with suppress(FileNotFoundError, NotADirectoryError):
            size = path.lstat().st_size
            yield Removal(zone, entry.upstream, entry.key, str(path), size, bool(entry.downloading))
