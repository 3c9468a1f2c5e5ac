"""What the cache's disk is good for."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from passthru.nginx.disk import Disk, look_at_disk, make_zones_again
from passthru.nginx.zones import make_zones

MIB = 1024 * 1024
GIB = 1024 * MIB


def test_a_disk_with_room(tmp_path: Path) -> None:
    """A directory that is not there yet is judged by where it would be."""
    assert look_at_disk(f"{tmp_path}/a/b", min_free=0, user=None) == Disk()


def test_a_full_disk(small: Path) -> None:
    """Below half of `min_free` nothing is stored; above it is again."""
    (small / "ballast").write_bytes(bytes(50 * MIB))
    full = look_at_disk(str(small), min_free=60 * MIB, user=None)
    (small / "ballast").unlink()

    assert (full.writable, full.readable) == (False, True)
    assert look_at_disk(str(small), min_free=60 * MIB, user=None).writable


def test_an_operator_may_want_less_room(small: Path) -> None:
    """A small `min_free` leaves more of a small disk to the cache."""
    (small / "ballast").write_bytes(bytes(50 * MIB))

    assert look_at_disk(str(small), min_free=8 * MIB, user=None).writable


def test_a_read_only_disk(small: Path) -> None:
    """It can be read, and nothing can be stored."""
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)

    assert look_at_disk(str(small), min_free=0, user=None) == Disk(writable=False, readable=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs workers of another user")
def test_a_directory_that_workers_cannot_enter(tmp_path: Path) -> None:
    """It is as if there were none."""
    cache = tmp_path / "closed" / "cache"
    cache.mkdir(parents=True)
    cache.parent.chmod(0o700)

    assert look_at_disk(str(cache), min_free=0, user="nobody") == Disk(
        writable=False, readable=False
    )
    assert look_at_disk(str(cache), min_free=0, user=None).readable


def test_zones_that_were_removed_are_made_again(tmp_path: Path) -> None:
    """Nginx itself makes them only when it reads its configuration."""
    zones = make_zones(f"{tmp_path}/cache", GIB)
    both = (zones.metadata, zones.nar)

    assert make_zones_again(both, user=None)
    assert not make_zones_again(both, user=None)
    shutil.rmtree(zones.nar.directory)
    assert make_zones_again(both, user=None)
    assert Path(zones.nar.directory).is_dir()
