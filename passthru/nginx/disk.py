"""What the cache's disk is good for just now, and the zones' directories that must be on it."""

import os
import pwd
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from passthru.nginx.directories import closed_to
from passthru.nginx.zones import Zone

_AT_LEAST: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Disk:
    """Two facts that nginx takes badly if nobody tells it of them."""

    writable: bool = True
    """Whether there is room, and the file system takes writes. Without, nginx hangs up on every
    request whose answer it would store (ngx_event_pipe_write_chain_to_temp_file)."""

    readable: bool = True
    """Whether nginx's workers can enter the directory. Without, nginx fails every request that it
    would look up (ngx_http_file_cache_open)."""


def look_at_disk(directory: str, *, min_free: int, user: str | None) -> Disk:
    """Return the facts of the disk that `directory` is, or would be, on; bytes; writes nothing.

    Half of `min_free` must be free. Below all of it nginx evicts, so with less than half somebody
    else fills the disk faster than that, and a large NAR would be cut in its middle at every try.
    """
    try:
        place = _existing(Path(directory))
        readable = user is None or closed_to(str(place), user) is None
        facts = os.statvfs(place)
    except OSError:
        return Disk(writable=False, readable=False)
    has_room = facts.f_bavail * facts.f_frsize >= max(_AT_LEAST, min_free // 2)
    has_inodes = facts.f_files == 0 or facts.f_favail > 0  # btrfs and others count none
    read_only = bool(facts.f_flag & os.ST_RDONLY)
    takes_writes = readable and has_room and has_inodes and not read_only
    return Disk(writable=takes_writes, readable=readable)


def make_zones_again(zones: Iterable[Zone], *, user: str | None) -> bool:
    """Make the directories of zones that somebody removed under a running nginx.

    nginx makes them when it reads its configuration, and afterwards only what is below them.
    Returns whether one was missing.
    """
    missing = [zone for zone in zones if not Path(zone.directory).is_dir()]
    for zone in missing:
        with suppress(OSError, KeyError):
            path = Path(zone.directory)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.mkdir(mode=0o700)
            if user is not None:
                account = pwd.getpwnam(user)
                os.chown(path, account.pw_uid, -1)
    return bool(missing)


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path
