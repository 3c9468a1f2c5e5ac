"""How large it may become: nginx with COUNT cached narinfos, started and looked at.

`python -m tests.bench.scale 1000000` in the checkout; `--links` makes each object one more name of
a few files, where the disk has no room for so many.
"""

import argparse
import contextlib
import json
import os
import struct
import sys
import time
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from passthru.cache.place import LEVELS, entries, file_path, folders
from tests.bench.server import cpu_seconds
from tests.nginx.cache import Cache, upstream
from tests.nginx.nginxes import installed_nginx
from tests.nginx.origin import Origin
from tests.nginx.samples import narinfo, narinfo_path
from tests.nginx.stored import Entry, wait_stored

_CRC32_AT: Final = 48
"""Where ngx_http_file_cache_header_t (nginx 1.11.10 and later, 64 bits) keeps the key's CRC 32."""

_MOST_LINKS: Final = 60_000
"""Names of one file: ext4 takes 65,000."""

_LOADED_SECONDS: Final = 1800.0
_REST_SECONDS: Final = 20.0
_FIRST: Final = 1


@dataclass(frozen=True, slots=True)
class Scale:
    """What COUNT objects cost. Seconds and bytes."""

    objects: int
    serving_seconds: float
    """From the start of nginx until it answers."""

    first_status: str
    """Of a stored object that was asked for at once, while the loader had hardly begun."""

    loaded_seconds: float
    """Until the loader has read all names. It waits a minute first, and sleeps between its turns."""

    loader_cpu_seconds: float
    key_bytes_per_object: float
    """Of shared memory, as far as the loader touched it; other programs' is in it too."""

    worker_private_bytes: int
    manager_cores_at_rest: float
    walk_seconds: float
    """One look at the name and size of everything, by Python."""


def main() -> None:
    """Make the objects, start, measure, print JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.scale", description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("--links", action="store_true", help="names of a few files, not files")
    given = parser.parse_args()
    nginx = installed_nginx()
    if nginx is None:
        sys.exit("nginx is not installed")
    with Origin() as origin:
        cache = Cache(nginx, _settings(origin, given.count))
        with contextlib.closing(cache):
            sample = _store_one(cache, origin)
            started = time.monotonic()
            _make_objects(sample, given.count, links=given.links)
            _say(f"{given.count} objects in {time.monotonic() - started:.0f} s")
            json.dump(asdict(_measure(cache, given.count)), sys.stdout, indent=2)
            sys.stdout.write("\n")


def _settings(origin: Origin, count: int) -> dict[str, object]:
    # Metadata gets a 64th of the cache, and its keys are counted at a block of 4 KiB each.
    size = max(count * 4096 * 64 * 5 // 4, 1 << 30)
    return {"upstreams": [upstream(origin, "origin")], "cache": {"size": size}}


def _store_one(cache: Cache, origin: Origin) -> Entry:
    origin.files[narinfo_path(_FIRST)] = narinfo()
    cache.start()
    cache.get(narinfo_path(_FIRST))
    entry = wait_stored(cache)[0]
    cache.stop()
    return entry


def _make_objects(sample: Entry, count: int, *, links: bool) -> None:
    """Write an entry for each number, as nginx would have: key, checksum and name."""
    zone = sample.path.parents[2]
    data = sample.path.read_bytes()
    for first in range(16):
        for second in range(256):
            (zone / f"{first:x}" / f"{second:02x}").mkdir(parents=True, exist_ok=True)
    source = b""
    for number in range(_FIRST + 1, count + 1):
        key = sample.key.replace(narinfo_path(_FIRST), narinfo_path(number)).encode()
        path = os.fsencode(file_path(str(zone), LEVELS, key.decode()))
        if links and number % _MOST_LINKS != 0 and source:
            os.link(source, path)
            continue
        patched = bytearray(data.replace(sample.key.encode(), key))
        struct.pack_into("=I", patched, _CRC32_AT, zlib.crc32(key))
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        os.write(descriptor, patched)
        os.close(descriptor)
        source = path


def _measure(cache: Cache, count: int) -> Scale:
    started = time.monotonic()
    cache.start()
    serving = time.monotonic() - started
    first = cache.get(narinfo_path(count)).cache_status
    shared = _shared_bytes()
    assert cache.process is not None
    loader = _child(cache.process.pid, "loader")
    used = 0.0
    while loader and Path(f"/proc/{loader}").exists():
        assert time.monotonic() - started < _LOADED_SECONDS, "the loader takes too long"
        used = max(used, cpu_seconds(loader))
        time.sleep(0.05)
    loaded = time.monotonic() - started
    keys = (_shared_bytes() - shared) / count
    manager = _child(cache.process.pid, "manager")
    before = cpu_seconds(manager)
    time.sleep(_REST_SECONDS)
    resting = (cpu_seconds(manager) - before) / _REST_SECONDS
    worker = _child(cache.process.pid, "worker")
    started = time.monotonic()
    walked_folders = folders(cache.plan.zones.metadata.directory)
    found = sum(file.stat().st_size > 0 for one in walked_folders for file in entries(one.path))
    walked = time.monotonic() - started
    assert found == count, found
    return Scale(
        objects=count,
        serving_seconds=round(serving, 2),
        first_status=first or "",
        loaded_seconds=round(loaded, 1),
        loader_cpu_seconds=round(used, 2),
        key_bytes_per_object=round(keys, 1),
        worker_private_bytes=_private_bytes(worker),
        manager_cores_at_rest=round(resting, 4),
        walk_seconds=round(walked, 1),
    )


def _child(parent: int, role: str) -> int:
    """Return the pid of nginx's worker, cache manager or cache loader; 0 if there is none."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()
    for pid in children:
        with contextlib.suppress(OSError):
            if role in Path(f"/proc/{pid}/cmdline").read_text(encoding="ascii", errors="replace"):
                return int(pid)
    return 0


def _shared_bytes() -> int:
    """Return the shared memory in use on this machine: the loader, who fills the zone, ends."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Shmem:"))


def _private_bytes(pid: int) -> int:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return sum(int(line.split()[1]) * 1024 for line in rollup if line.startswith("Private_"))


def _say(text: str) -> None:
    sys.stderr.write(f"scale: {text}\n")


if __name__ == "__main__":
    main()
