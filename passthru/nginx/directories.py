"""The directories of a site: made before nginx needs them, cleared of what dead ones left."""

import logging
import os
import pwd
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from passthru.cache.copies import clear_copies
from passthru.errors import PassthruError
from passthru.nginx.site import Site
from passthru.nginx.storage import explained

logger: Final = logging.getLogger(__name__)


def prepare_directories(site: Site, *, user: str | None = None) -> None:
    """Make all directories that nginx does not make itself; `user` is the workers', if not ours.

    They stay ours: what a worker owns beside a file that root opens, it can turn into a link to
    another (CVE-2016-1247). nginx gives the workers the zones inside the cache directory.
    Raises PassthruError.
    """
    with explained("cannot make the directories of this instance"):
        for path in (
            site.state,
            site.generations,
            site.logs,
            site.runtime,
            f"{site.runtime}/temp",
            site.cache,
        ):
            _make(Path(path))
    if user is not None:
        for path in (site.state, site.runtime, site.cache):
            closed = closed_to(path, user)
            if closed is not None:
                logger.warning(
                    "user %s cannot enter %s, so nginx's workers may fail below it; try: chmod o+x %s",
                    user,
                    closed,
                    closed,
                )


def clear_stale(site: Site, *, sidecars: bool = True) -> None:
    """Remove the sockets and the pid file of a dead instance: nginx does not start on its own.

    Those of sidecars only if they are ours to run. Only for the holder of the site.
    Raises PassthruError if the path holds something else.
    """
    with explained("cannot clear what an earlier instance left"):
        path = Path(site.socket)
        with suppress(FileNotFoundError):
            if not stat.S_ISSOCK(path.lstat().st_mode):
                raise PassthruError(
                    f"{path} is in the way: it is not a socket", hint="move it, or remove it"
                )
            path.unlink()
        Path(site.pid_file).unlink(missing_ok=True)
        if sidecars:
            clear_copies(site.hot)
        names = (
            (site.tunnel("*"), site.fills, site.fills_pid_file, f"{site.exporter_socket}*")
            if sidecars
            else ()
        )
        for name in names:
            for path in Path(site.runtime).glob(Path(name).name):
                path.unlink(missing_ok=True)


def closed_to(path: str, user: str) -> str | None:
    """Return the first directory on the way to `path` that `user` may not enter, by its mode."""
    try:
        account = pwd.getpwnam(user)
        groups = set(os.getgrouplist(user, account.pw_gid))
    except KeyError:
        return None  # nginx says so itself, and better
    if account.pw_uid == 0:
        return None
    for directory in _way_to(Path(path)):
        found = directory.stat()
        if found.st_uid == account.pw_uid:
            wanted = stat.S_IXUSR
        elif found.st_gid in groups:
            wanted = stat.S_IXGRP
        else:
            wanted = stat.S_IXOTH
        if not found.st_mode & wanted:
            return str(directory)
    return None


def _way_to(path: Path) -> Iterator[Path]:
    yield from reversed(path.parents)
    yield path


def _make(path: Path) -> None:
    """Make a directory and its parents with mode 0755, whatever the umask; leave existing ones."""
    for directory in _way_to(path):
        if not directory.is_dir():
            directory.mkdir(exist_ok=True)
            directory.chmod(0o755)
