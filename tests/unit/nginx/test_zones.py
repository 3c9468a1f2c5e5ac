"""How the disk is shared out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passthru.errors import RenderError
from passthru.nginx.zones import KEYS_PER_MIB, make_zones

MIB = 1024 * 1024
GIB = 1024 * MIB


@given(st.integers(64 * MIB, 1024 * 1024 * GIB))
def test_the_shares_are_the_whole(size: int) -> None:
    """Metadata and NARs together take what was given, and NARs the most of it."""
    zones = make_zones("/c", size)

    assert zones.metadata.max_size + zones.nar.max_size == size
    assert zones.nar.max_size >= size * 7 // 8


@given(st.integers(64 * MIB, 1024 * 1024 * GIB))
def test_key_memory_never_evicts_before_the_disk_is_full(size: int) -> None:
    """A narinfo takes a block, so keys for one a block are enough; NARs get twice their mean."""
    zones = make_zones("/c", size)

    assert zones.metadata.keys_mib * KEYS_PER_MIB * 4096 >= zones.metadata.max_size
    assert zones.nar.keys_mib * KEYS_PER_MIB * 512 * 1024 >= 2 * zones.nar.max_size - 1024 * 1024


def test_name_and_directory_change_with_the_path() -> None:
    """Nginx refuses another path under a live zone's name, so the name must change with it."""
    one, two = make_zones("/one", GIB), make_zones("/two", GIB)

    assert one.nar.name != two.nar.name
    assert one.nar.directory.startswith("/one/nar-")
    assert one.nar.name != one.metadata.name
    assert make_zones("/one", 2 * GIB).nar.name == one.nar.name


def test_too_small() -> None:
    """What cannot be divided is a clear error."""
    with pytest.raises(RenderError, match=r"larger cache\.size"):
        make_zones("/c", 1024)
