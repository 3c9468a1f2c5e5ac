"""Logs that do not fill the disk: past a size, each is set aside and begun anew."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from passthru.errors import NotRunningError, PassthruError
from passthru.nginx.lock import transaction
from passthru.nginx.master import send
from passthru.nginx.site import Site
from passthru.nginx.storage import explained

ROTATE_BYTES: Final = 64 * 1024 * 1024

ABANDONED_BYTES: Final = 4 * ROTATE_BYTES
"""A log of this size is rotated by nobody."""

KEPT: Final = {"access.log": 4, "error.log": 1}
"""How many old ones are kept of each: the exporter may be away for some rotations."""


def rotate_logs(site: Site, master: int, *, limit: int = ROTATE_BYTES) -> bool:
    """Rename each log larger than `limit` bytes to `NAME.1`, and let nginx open new ones.

    What was `NAME.1` is `NAME.2` then, and so on.
    Waits for no transaction, which reads the error log: returns False then, and when nothing is
    large. Raises PassthruError if the disk does not let us.
    """
    logs = [Path(site.logs, name) for name in KEPT]
    if not any(_size(path) > limit for path in logs):
        return False
    try:
        with transaction(site, wait=0), explained("cannot rotate the logs"):
            large = [path for path in logs if _size(path) > limit]
            for path in large:
                _set_aside(path)
            if large:
                send(master, signal.SIGUSR1)
    except NotRunningError:
        return False
    return bool(large)


def rotate_abandoned(path: str, *, limit: int = ABANDONED_BYTES) -> bool:
    """Rotate an access log that grew past `limit` bytes because nobody does; say whether it did.

    For an nginx that neither `passthru up` nor logrotate looks after; both keep it far smaller.
    Raises PassthruError if that is not in our power.
    """
    if _size(Path(path)) <= limit:
        return False
    writer = find_writer(path)
    if writer is None:
        raise PassthruError(
            f"{path} has {_size(Path(path)):,} bytes, and its nginx cannot be found to rotate it",
            hint="have logrotate do it, and let it send SIGUSR1 to nginx",
        )
    with explained("cannot rotate the log"):
        _set_aside(Path(path))
        send(writer, signal.SIGUSR1)
    return True


def find_writer(path: str) -> int | None:
    """Return the process id of the nginx master that writes a file; None if we can see none."""
    found = {pid: parent for pid, parent in _nginxes() if _has_open(pid, path)}
    return next((pid for pid, parent in sorted(found.items()) if parent not in found), None)


def _set_aside(path: Path) -> None:
    """Make a log the first of the old ones, and drop the oldest if there are too many."""
    free = 1
    while free < KEPT[path.name] and Path(f"{path}.{free}").exists():
        free += 1
    for number in range(free, 1, -1):
        Path(f"{path}.{number - 1}").replace(f"{path}.{number}")
    path.replace(f"{path}.1")


def _nginxes() -> Iterator[tuple[int, int]]:
    """Yield each process of an nginx, and its parent."""
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        with suppress(OSError):
            before, _, after = Path(entry.path, "stat").read_bytes().rpartition(b")")
            if b"nginx" in before:
                yield int(entry.name), int(after.split()[1])


def _has_open(pid: int, path: str) -> bool:
    links = f"/proc/{pid}/fd"
    with suppress(OSError):
        for name in os.listdir(links):  # noqa: PTH208 - not an iterator that is left open
            with suppress(OSError):
                if os.path.samefile(f"{links}/{name}", path):  # noqa: PTH121 - what it leads to
                    return True
    return False


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
