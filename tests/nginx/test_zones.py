"""Two zones on disk, neither of which can push the other out."""

import re
import time
from pathlib import Path

import pytest

from tests.nginx.conftest import StartCache
from tests.nginx.origin import Origin
from tests.nginx.samples import DRV, HASH, NAR, NARINFO, narinfo, narinfo_path, noise
from tests.nginx.stored import entries, wait_stored


@pytest.mark.core
def test_metadata_and_nars_are_stored_apart(cache: StartCache, origin: Origin) -> None:
    """NARs and all the rest have a directory each, named by a hash, with two levels inside."""
    origin.files = {NARINFO: narinfo(), NAR: b"nar", f"/{HASH}.ls": b"{}", f"/log/{DRV}": b"log"}
    one = cache(origin)
    for path in origin.files:
        one.get(path)

    found = wait_stored(one, count=4)
    zones = {entry.key: entry.path.relative_to(one.site.cache).parts for entry in found}

    assert {len(parts) for parts in zones.values()} == {4}
    assert {(len(parts[1]), len(parts[2])) for parts in zones.values()} == {(1, 2)}
    nar = {parts[0] for key, parts in zones.items() if "/nar/" in key}
    rest = {parts[0] for key, parts in zones.items() if "/nar/" not in key}
    assert len(nar) == len(rest) == 1
    assert not nar & rest
    assert all(re.fullmatch("[a-z]+-[0-9a-f]{4,}", name) for name in nar | rest)


def test_limits_come_from_the_spec(cache: StartCache, origin: Origin) -> None:
    """Each zone has min_free, inactive and its part of size, which add up to it."""
    one = cache(origin, cache={"size": "10G", "min_free": "3M", "inactive": "90d"})

    zones = re.findall(r"proxy_cache_path ([^;]+);", re.sub(r"#.*", "", one.text))

    assert len(zones) == 2
    assert sum(int(size) for zone in zones for size in re.findall(r"max_size=(\d+)", zone)) == (
        10 << 30
    )
    for zone in zones:
        assert f"min_free={3 << 20}" in zone
        assert f"inactive={90 * 86400}s" in zone
        assert "use_temp_path=off" in zone


def test_a_flood_of_narinfos_evicts_no_nar(cache: StartCache, origin: Origin) -> None:
    """Metadata over its share evicts metadata; NARs over theirs evict NARs."""
    flood = [narinfo_path(number) for number in range(100)]
    origin.files = {NAR: noise(1_000_000), **dict.fromkeys(flood, noise(200_000))}
    one = cache(origin, cache={"size": "64M"})
    limit = int(re.findall(r"max_size=(\d+)", one.text)[0])
    assert limit < 100 * 200_000
    one.get(NAR)
    one.get_all(flood)

    wait_stored(one, count=101)
    one.apply({"nix_cache_info": {"priority": 31}})  # a new cache manager looks at once
    deadline = time.monotonic() + 5
    while _disk(one.site.cache, "metadata") > limit:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    origin.stop()

    assert len(entries(one)) < 101
    assert (one.get(NAR).cache_status, one.get(NAR).body) == ("HIT", noise(1_000_000))


def test_nars_stay_below_their_share(cache: StartCache, origin: Origin) -> None:
    """NARs beyond the size of the spec push out the ones read longest ago."""
    nars = [f"/nar/{number}.nar" for number in range(70)]
    origin.files = {NARINFO: narinfo(), **dict.fromkeys(nars, noise(1_000_000))}
    one = cache(origin, cache={"size": "64M"})
    one.get(NARINFO)
    for path in nars:
        one.get(path)
    wait_stored(one, count=71)
    one.apply({"nix_cache_info": {"priority": 31}})

    deadline = time.monotonic() + 5
    while _disk(one.site.cache, "nar") > 64 << 20:
        assert time.monotonic() < deadline
        time.sleep(0.05)

    kept = {entry.key.partition("/")[2] for entry in entries(one)}
    assert "nar/69.nar" in kept
    assert "nar/0.nar" not in kept
    assert NARINFO[1:] in kept


def _disk(cache: str, zone: str) -> int:
    files = Path(cache).glob(f"{zone}-*/*/*/*")
    return sum(file.stat().st_blocks * 512 for file in files if file.exists())
