"""What nginx stored, found and removed by us: the layout of its files, and that it bears our hand."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest

from passthru.cache.place import file_path
from passthru.errors import PassthruError
from passthru.nginx.stored import downloading, find_stored, read_body, remove_stored
from passthru.nginx.turn import Area, Order, area_of, turns_of
from passthru.nginx.zones import Zone
from tests.nginx.cache import Cache, upstream
from tests.nginx.client import Reply, at_once
from tests.nginx.conftest import MakeOrigin, StartCache
from tests.nginx.origin import Fault, Origin
from tests.nginx.samples import DRV, HASH, NAR, NARINFO, narinfo, noise
from tests.nginx.stored import entries, wait_stored

TARGETS = (
    NARINFO,
    f"/{HASH}.ls",
    f"/log/{DRV}",
    "/realisations/sha256:ab!out",
    "/realisations/sha256%3acd%21out",
    "/debuginfo/0123456789012345678901234567890123456789",
    NAR,
    "/nar/deep/er.nar?hash=x&y=%2f",
)


def zone_of(one: Cache, target: str) -> Zone:
    """Return the zone that answers to `target` are in."""
    zones = one.plan.zones
    return zones.nar if area_of(target) is Area.NAR else zones.metadata


def keys_of(one: Cache, target: str) -> list[str]:
    """Return the keys that `target` is kept under."""
    return [
        turn.key for turn in turns_of(target, Order(tuple(up.name for up in one.plan.upstreams)))
    ]


@pytest.mark.core
@pytest.mark.parametrize("target", TARGETS)
def test_what_is_stored_is_found(cache: StartCache, origins: MakeOrigin, target: str) -> None:
    """Key, place, status, length, times and body of every kind of answer, of the second upstream."""
    body = narinfo() if target == NARINFO else noise(70_000)
    one = cache(origins(), origins({target: body}))
    assert one.get(target).status == 200
    wait_stored(one)
    first, second = keys_of(one, target)

    stored = find_stored(zone_of(one, target), second)
    assert find_stored(zone_of(one, target), first) is None
    assert stored is not None
    assert [str(entry.path) for entry in entries(one)] == [stored.path]
    assert (stored.head.status, stored.head.content_length) == (200, len(body))
    assert abs(stored.head.stored_at - time.time()) < 60
    assert stored.is_fresh(time.time())
    assert not stored.is_fresh(time.time() + 400 * 86400)
    assert not stored.is_cut
    assert b"".join(read_body(stored)) == body
    assert b"".join(read_body(stored, most=10)) == body[:10]


@pytest.mark.core
def test_named_nar_is_found(cache: StartCache, origins: MakeOrigin) -> None:
    """The NAR of the second upstream's narinfo is under that upstream's own name for it."""
    one = cache(origins(), origins({NAR: b"second"}))
    assert one.get(f"/nar/~b{NAR.removeprefix('/nar')}").body == b"second"
    wait_stored(one)
    (key,) = keys_of(one, f"/nar/~b{NAR.removeprefix('/nar')}")

    assert find_stored(one.plan.zones.nar, key) is not None


@pytest.mark.core
def test_spoilt_nar_is_fetched_anew(cache: StartCache, origin: Origin) -> None:
    """Removed under nginx's hands, it is right at once, even while workers have the file open."""
    origin.files[NAR] = noise(300_000)
    origin.fail(Fault(NAR, corrupt=True, times=1))
    one = cache(origin, workers="2")
    one.get(NAR)
    wait_stored(one)
    spoilt = at_once(8, lambda: one.get(NAR))
    assert {reply.cache_status for reply in spoilt} == {"HIT"}
    assert noise(300_000) not in {reply.body for reply in spoilt}

    zone, (key,) = one.plan.zones.nar, keys_of(one, NAR)
    stored = find_stored(zone, key)
    assert stored is not None
    assert remove_stored(zone, key) == stored.size
    assert not Path(stored.path).exists()
    fresh = [one.get(NAR) for _ in range(8)]

    assert fresh[0].cache_status == "MISS"
    assert {reply.body for reply in fresh} == {noise(300_000)}
    wait_stored(one)
    assert one.get(NAR).cache_status == "HIT"
    assert "[crit]" not in one.error_log
    assert "[alert]" not in one.error_log


def test_removing_breaks_no_download(cache: StartCache, origin: Origin) -> None:
    """Who is being sent the file when it is removed gets all of it."""
    content = Random(1).randbytes(8_000_000)  # noqa: S311 - no secret
    origin.files[NAR] = content
    one = cache(origin)
    one.get(NAR)
    wait_stored(one)
    (key,) = keys_of(one, NAR)
    removed: list[int | None] = []

    def take() -> Reply:
        reply = one.get(NAR)
        removed.append(remove_stored(one.plan.zones.nar, key))
        return reply

    assert all(reply.whole and reply.body == content for reply in at_once(4, take))
    assert any(removed)


def test_nothing_to_remove(cache: StartCache, origin: Origin) -> None:
    """A key that is not stored is no trouble, nor is a zone that is not there."""
    one = cache(origin, start=False)
    one.port = 8080
    one.write()

    assert remove_stored(one.plan.zones.nar, "a/nar/x") is None
    assert find_stored(one.plan.zones.nar, "a/nar/x") is None
    assert downloading(one.plan.zones.nar, "a/nar/x") == ()


def test_no_link_is_followed(cache: StartCache, origin: Origin, tmp_path: Path) -> None:
    """The directory is the workers': what they may link to there is neither read nor removed."""
    one = cache(origin, start=False)
    one.port = 8080
    one.write()
    zone = one.plan.zones.nar
    place = Path(file_path(zone.directory, zone.levels, "a/nar/x"))
    place.parent.mkdir(parents=True)
    precious = tmp_path / "precious"
    precious.write_bytes(b"x" * 1000)
    place.symlink_to(precious)

    for act in (find_stored, remove_stored):
        with pytest.raises(PassthruError):
            act(zone, "a/nar/x")
    assert precious.read_bytes() == b"x" * 1000
    place.unlink()
    os.mkfifo(place)
    for act in (find_stored, remove_stored):
        with pytest.raises(PassthruError):
            act(zone, "a/nar/x")


def test_download_in_flight_is_seen(cache: StartCache, origin: Origin) -> None:
    """Its bytes so far are told, and nothing once it is stored."""
    origin.files[NAR] = noise(400_000)
    origin.fail(Fault(NAR, stall=300_000, times=1))
    one = cache({**upstream(origin, "a"), "read_timeout": "30s"})
    (key,) = keys_of(one, NAR)
    zone = one.plan.zones.nar
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(one.get, NAR, timeout=30)
        deadline = time.monotonic() + 10
        while not (seen := downloading(zone, key)) or seen[0] < 250_000:
            assert time.monotonic() < deadline, seen
            time.sleep(0.01)
        assert find_stored(zone, key) is None
        assert len(seen) == 1
        origin.stop()
        origin.start()
        asking.result()

    one.get(NAR)
    wait_stored(one)
    assert downloading(zone, key) == ()
