"""What nginx has stored: the header of a cache file, read and aged.

The layout is that of ngx_http_file_cache_header_t (src/http/ngx_http_cache.h), the same from
nginx 1.11.10 on, on a 64-bit machine; times are seconds since the epoch.
"""

import os
import re
import struct
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.nginx.cache import Cache

_HEADER: Final = struct.Struct("=QqqqqqIHHI")
_VALID_AT: Final = 8


@dataclass(frozen=True, slots=True)
class Entry:
    """One stored answer."""

    path: Path
    key: str
    status: int
    valid: float
    """Seconds from now until it is stale."""


def entries(cache: Cache, pattern: str = "") -> list[Entry]:
    """Return the stored answers whose key `pattern` is found in."""
    found = []
    for path in sorted(Path(cache.site.cache).rglob("*")):
        if not re.fullmatch("[0-9a-f]{32}", path.name):
            continue
        data = path.read_bytes()
        fields = _HEADER.unpack_from(data)
        key = re.search(rb"\nKEY: ([^\n]*)\n(?:HTTP/1\.[01] (\d+))?", data)
        assert key is not None, path
        if re.search(pattern, key[1].decode()):
            status = int(key[2] or 0)
            found.append(Entry(path, key[1].decode(), status, fields[1] - time.time()))
    return found


def wait_stored(cache: Cache, pattern: str = "", count: int = 1) -> list[Entry]:
    """Return `count` entries or more: nginx stores a moment after it has answered."""
    deadline = time.monotonic() + 2
    while len(found := entries(cache, pattern)) < count:
        assert time.monotonic() < deadline, f"only {[entry.key for entry in found]} are stored"
        time.sleep(0.01)
    return found


def expire(cache: Cache, pattern: str = "", count: int = 1) -> None:
    """Make stored answers stale, `count` at least. Nginx reads the time from the file each time."""
    for entry in wait_stored(cache, pattern, count):
        with entry.path.open("r+b") as file:
            os.pwrite(file.fileno(), struct.pack("=q", int(time.time()) - 60), _VALID_AT)
