"""Logs that do not fill the disk: past a size, each is set aside once and begun anew."""

import signal
from pathlib import Path
from typing import Final

from passthru.errors import NotRunningError
from passthru.nginx.lock import transaction
from passthru.nginx.master import send
from passthru.nginx.site import Site
from passthru.nginx.storage import explained

ROTATE_BYTES: Final = 64 * 1024 * 1024

_LOGS: Final = ("access.log", "error.log")


def rotate_logs(site: Site, master: int, *, limit: int = ROTATE_BYTES) -> bool:
    """Rename each log larger than `limit` bytes to `NAME.1`, and let nginx open new ones.

    Waits for no transaction, which reads the error log: returns False then, and when nothing is
    large. Raises PassthruError if the disk does not let us.
    """
    large = [path for path in (Path(site.logs, name) for name in _LOGS) if _size(path) > limit]
    if not large:
        return False
    try:
        with transaction(site, wait=0), explained("cannot rotate the logs"):
            for path in large:
                path.replace(f"{path}.1")
            send(master, signal.SIGUSR1)
    except NotRunningError:
        return False
    return True


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
