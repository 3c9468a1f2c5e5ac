"""Disks that take no more, under a whole `passthru up`, as the table promises it."""

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Final

import pytest

from tests.debian import unavailable
from tests.faults.machine import ROWS
from tests.faults.upped import up_on
from tests.nginx.origin import Origin
from tests.nginx.samples import NAR, NARINFO, narinfo, noise
from tests.nix.running import Passthru

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a disk of its own needs root")

SMALL: Final = "/nar/small.nar"
ROOM: Final = 8 << 20
COLD: Final = [f"/nar/cold-{number}.nar" for number in range(400)]


def mount(*arguments: str | Path) -> None:
    """Mount, or skip the test where that is not allowed."""
    done = subprocess.run(["mount", *arguments], check=False, capture_output=True, text=True)
    if done.returncode:
        unavailable(f"mount is not allowed here: {done.stderr.strip()}")


@pytest.fixture
def disk(folder: Path) -> Iterator[Path]:
    """Return a cache directory with a small disk of its own."""
    place = folder / "cache"
    place.mkdir()
    mount("-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", place)
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


@contextlib.contextmanager
def full(disk: Path) -> Iterator[None]:
    """Have something else take all the room, inside the `with`."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass
    yield
    filler.unlink()


@contextlib.contextmanager
def read_only(disk: Path) -> Iterator[None]:
    """Let nothing be written below `disk`, inside the `with`, whatever is open already."""
    mount("--bind", disk, disk)
    try:
        mount("-o", "remount,bind,ro", disk)
        yield
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


def status_of(one: Passthru, path: str, body: bytes) -> str | None:
    """Return what the cache did; None for no answer, or half of one, which is never a wrong one."""
    try:
        answer = one.get(path)
    except (HTTPException, OSError):
        return None
    assert (answer.status, answer.body) == (200, body)
    return answer.headers["x-cache-status"]


@pytest.mark.parametrize("key", ["disk_full", "disk_read_only"])
def test_disk(key: str, origin: Origin, folder: Path, disk: Path) -> None:
    """Hits are served all the time, the rest soon and unstored; afterwards it is stored again."""
    row = ROWS[key]
    origin.files = dict.fromkeys(COLD, noise(500))
    origin.files |= {NARINFO: narinfo(), SMALL: noise(1000)}
    cold = iter(COLD)
    with up_on(origin, folder, min_free="0")() as one:
        for path, body in ((NARINFO, narinfo()), (SMALL, noise(1000))):
            assert status_of(one, path, body) == "MISS"
        assert status_of(one, NARINFO, narinfo()) == "HIT"

        with full(disk) if key == "disk_full" else read_only(disk):
            started, path = time.monotonic(), ""
            in_a_row = 0  # for the workers of before a reload may answer one more
            while in_a_row < 4:
                path = path if in_a_row else next(cold)
                seen = status_of(one, path, noise(500))
                assert seen in (None, "MISS")
                in_a_row = in_a_row + 1 if seen else 0
                assert status_of(one, NARINFO, narinfo()) == "HIT"
                assert time.monotonic() - started < row.seconds
                time.sleep(0 if in_a_row else 0.1)
            assert status_of(one, SMALL, noise(1000)) == "HIT"
            assert "is full or read-only" in one.output

        started = time.monotonic()
        for path in cold:
            assert status_of(one, path, noise(500)) == "MISS"
            if status_of(one, path, noise(500)) == "HIT":
                break
            assert time.monotonic() - started < row.seconds
            time.sleep(0.2)
        assert status_of(one, NARINFO, narinfo()) == "HIT"


def test_disk_small(origin: Origin, folder: Path, disk: Path) -> None:
    """A NAR larger than the room that is left ends in its middle, and nothing of it stays."""
    row = ROWS["disk_small"]
    large = noise(ROOM + 1000)
    origin.files = {NAR: large, SMALL: noise(1000)}
    with up_on(origin, folder, min_free="0")() as one:
        started = time.monotonic()
        assert status_of(one, NAR, large) is None
        assert time.monotonic() - started < row.seconds
        assert status_of(one, SMALL, noise(1000)) == "MISS"
        assert status_of(one, SMALL, noise(1000)) == "HIT"
        assert sum(file.stat().st_size for file in disk.rglob("*") if file.is_file()) < ROOM // 2


def test_disk_read_only_at_the_start(origin: Origin, folder: Path, disk: Path) -> None:
    """What is stored is served, what is not is passed on."""
    origin.files = {NARINFO: narinfo(), SMALL: noise(1000)}
    with up_on(origin, folder, min_free="0")() as one:
        assert status_of(one, NARINFO, narinfo()) == "MISS"
        assert status_of(one, NARINFO, narinfo()) == "HIT"
    with read_only(disk), up_on(origin, folder, min_free="0")() as one:
        assert status_of(one, NARINFO, narinfo()) == "HIT"
        assert [status_of(one, SMALL, noise(1000)) for _ in range(2)] == ["MISS", "MISS"]
