"""What a crash leaves in the cache that nginx neither counts nor doubts.

A worker that is killed, or a machine that loses power, leaves the temporary files of its downloads
behind: nginx's loader passes them over (ngx_http_file_cache_add_file), so no `max_size` ever evicts
them. And a stored file whose tail never reached the disk is served short for ever, because nginx does
not compare its size with its Content-Length.
"""

import logging
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from passthru.cache.head import LONGEST_HEAD, is_foreign, read_head
from passthru.cache.place import entries, folders, is_download_name, is_stored_name
from passthru.errors import FormatError
from passthru.nginx.site import Site
from passthru.nginx.zones import Zone

DOUBT_SECONDS: Final = 120.0
"""How long before its last sign of life a machine may have lost what it had written."""

logger: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Swept:
    """How many files were removed."""

    temporary: int
    cut: int


def sweep(zones: Iterable[Zone], *, started: float, doubt_since: float | None) -> Swept:
    """Remove what was left before `started`, and what was cut since `doubt_since`.

    Both are seconds since 1970; None doubts nothing. Safe beside a running nginx, which takes a
    missing file for a miss. May take minutes where there are millions of files.
    """
    temporary = cut = 0
    found = (folder for zone in zones for folder in folders(zone.directory))
    for entry in (entry for folder in found for entry in entries(folder.path)):
        with suppress(OSError):
            if is_download_name(entry.name):
                if entry.stat().st_mtime < started:
                    Path(entry.path).unlink()
                    temporary += 1
            elif doubt_since is not None and is_stored_name(entry.name):
                facts = entry.stat()
                if doubt_since <= facts.st_mtime < started and is_cut(entry.path):
                    Path(entry.path).unlink()
                    cut += 1
    if temporary or cut:
        logger.info("swept the cache temporary=%d cut=%d", temporary, cut)
    return Swept(temporary, cut)


def is_cut(path: str) -> bool:
    """Tell whether a stored answer is shorter than its own head says; raises OSError."""
    with Path(path).open("rb") as file:
        data = file.read(LONGEST_HEAD)
        size = os.fstat(file.fileno()).st_size
    if is_foreign(data):
        return False
    try:
        head = read_head(data)
    except FormatError:
        return True
    return head.content_length is not None and size < head.body_start + head.content_length


def last_sign(site: Site) -> float | None:
    """Return when an instance that did not end properly was last alive; None if it did end."""
    try:
        return Path(_sign(site)).stat().st_mtime
    except OSError:
        return None


def give_sign(site: Site) -> None:
    """Leave a sign that this instance is alive now."""
    with suppress(OSError):
        Path(_sign(site)).touch()


def take_sign_back(site: Site) -> None:
    """End properly: there is nothing to doubt next time."""
    with suppress(OSError):
        Path(_sign(site)).unlink()


def _sign(site: Site) -> str:
    return f"{site.state}/alive"
