"""What a bad disk costs: nothing but the storing."""

import os
import shutil
import time
from pathlib import Path

import pytest

from passthru.nginx.disk import Disk, look_at_disk, make_zones_again
from passthru.nginx.sweep import DOUBT_SECONDS, is_cut, sweep
from passthru.nginx.zones import Zone
from tests.nginx.cache import Cache
from tests.nginx.client import at_once
from tests.nginx.conftest import StartCache
from tests.nginx.fault import Fault, Framing
from tests.nginx.origin import Origin
from tests.nginx.samples import NAR, NARINFO, narinfo, narinfo_path, noise
from tests.nginx.stored import wait_stored

MIB = 1024 * 1024
BODY = noise(3 * MIB)


def test_a_full_disk_serves_old_and_new(cache: StartCache, origin: Origin, small: Path) -> None:
    """What is stored is a HIT, what is not comes through unstored, and all is well afterwards."""
    origin.files = {NARINFO: narinfo(), NAR: BODY, narinfo_path(1): narinfo(note="n")}
    settings = {"directory": str(small), "min_free": "0"}
    one = cache(origin, cache=settings)
    one.get(NARINFO)
    wait_stored_in(small, 1)
    room = shutil.disk_usage(small).free
    with (small / "ballast").open("wb") as ballast:
        ballast.write(bytes(room - 256 * 1024))
    found = look_at_disk(str(small), min_free=0, user=None)
    one.apply(disk=found)

    replies = [one.get(path) for path in (NARINFO, NAR, NAR, narinfo_path(1))]
    (small / "ballast").unlink()
    one.apply(disk=look_at_disk(str(small), min_free=0, user=None))
    after = [one.get(NAR), one.get(NAR)]

    assert not found.writable
    assert [(r.status, r.cache_status, r.whole) for r in replies] == [
        (200, "HIT", True),
        (200, "MISS", True),
        (200, "MISS", True),
        (200, "MISS", True),
    ]
    assert replies[1].body == BODY
    assert [r.cache_status for r in after] == ["MISS", "HIT"]


def test_without_room_a_range_is_asked_for_alone(cache: StartCache, origin: Origin) -> None:
    """A client that goes on costs the upstream no more than the rest, and gets just that."""
    origin.files[NAR] = BODY
    one = cache(origin, machine={"disk": Disk(writable=False)})

    reply = one.get(NAR, headers=[("Range", f"bytes={2 * MIB}-")])

    assert (reply.status, reply.body) == (206, BODY[2 * MIB :])
    assert [asked.headers.get("range") for asked in origin.requests] == [f"bytes={2 * MIB}-"]


def test_without_room_nobody_waits_for_another(cache: StartCache, origin: Origin) -> None:
    """A lock on what is not stored would have clients fetch one after the other."""
    origin.files[NAR] = BODY
    origin.fail(Fault(NAR, delay=0.4))
    one = cache(origin, machine={"disk": Disk(writable=False)})

    replies = at_once(8, lambda: one.get(NAR))

    assert {r.body == BODY for r in replies} == {True}
    assert max(r.seconds for r in replies) < 2.5


def test_a_cache_that_cannot_be_entered_is_passed_by(cache: StartCache, origin: Origin) -> None:
    """Everything comes from the upstreams, as if this cache were not there."""
    origin.files = {NARINFO: narinfo(), NAR: BODY}
    one = cache(origin)
    one.get(NARINFO)
    [entry] = wait_stored(one)
    entry.path.unlink()
    entry.path.symlink_to(entry.path)  # whoever opens it gets ELOOP
    one.apply(disk=Disk(writable=False, readable=False))

    assert [one.get(path).status for path in (NARINFO, NAR, NARINFO)] == [200, 200, 200]


def test_a_zone_that_was_removed_works_again(cache: StartCache, origin: Origin) -> None:
    """`rm -rf` of the cache empties it, and nothing else, once the zones are there again."""
    origin.files = {NARINFO: narinfo(), narinfo_path(1): narinfo()}
    one = cache(origin)
    one.get(NARINFO)
    wait_stored(one)
    shutil.rmtree(one.plan.zones.metadata.directory)

    make_zones_again((one.plan.zones.metadata,), user=None)

    assert [one.get(narinfo_path(1)).cache_status for _ in range(2)] == ["MISS", "HIT"]


def test_what_a_crash_leaves_is_swept(cache: StartCache, origin: Origin) -> None:
    """Temporary files of an earlier life go; those of this one stay, and so does what is stored."""
    origin.files = {NARINFO: narinfo(), NAR: BODY}
    one = cache(origin)
    one.get(NARINFO)
    [entry] = wait_stored(one)
    old = entry.path.with_name(f"{'a' * 32}.0000000001")
    new = entry.path.with_name(f"{'b' * 32}.0000000002")
    old.write_bytes(b"left")
    os.utime(old, (time.time() - 60, time.time() - 60))
    new.write_bytes(b"being filled")

    swept = sweep(both(one), started=time.time() - 30, doubt_since=None)

    assert (swept.temporary, old.exists(), new.exists()) == (1, False, True)
    assert one.get(NARINFO).cache_status == "HIT"


def test_what_lost_its_tail_is_fetched_again(cache: StartCache, origin: Origin) -> None:
    """After a power cut, a stored NAR that is shorter than its head says is no HIT any more."""
    origin.files = {NARINFO: narinfo(), NAR: BODY}
    one = cache(origin)
    for path in (NARINFO, NAR):
        one.get(path)
    stored = {entry.key: entry.path for entry in wait_stored(one, count=2)}
    whole, cut = stored[f"a{NARINFO}"], stored[f"a{NAR}"]
    one.stop()
    os.truncate(cut, cut.stat().st_size - 4096)
    assert (is_cut(str(whole)), is_cut(str(cut))) == (False, True)
    one.start()

    now = time.time() + 1
    swept = sweep(both(one), started=now, doubt_since=now - DOUBT_SECONDS)

    assert swept.cut == 1
    assert [(r.body == BODY, r.cache_status) for r in (one.get(NAR), one.get(NAR))] == [
        (True, "MISS"),
        (True, "HIT"),
    ]


def test_only_what_is_doubtful_is_read(cache: StartCache, origin: Origin) -> None:
    """A file that was written long before the crash is on the disk; nobody opens a million of them."""
    origin.files[NAR] = BODY
    one = cache(origin)
    one.get(NAR)
    [entry] = wait_stored(one)
    os.truncate(entry.path, 5000)
    os.utime(entry.path, (1, 1))

    assert sweep(both(one), started=time.time(), doubt_since=1000).cut == 0


def test_a_chunked_answer_has_no_length_to_miss(cache: StartCache, origin: Origin) -> None:
    """What came in chunks cannot be judged, and is left alone."""
    origin.files[NAR] = BODY
    origin.fail(Fault(NAR, framing=Framing.CHUNKED))
    one = cache(origin)
    one.get(NAR)
    [entry] = wait_stored(one)

    assert not is_cut(str(entry.path))


@pytest.mark.parametrize("content", [b"", b"x" * 10])
def test_a_file_without_a_head_is_cut(content: bytes, tmp_path: Path) -> None:
    """Nginx notices these itself; so do we."""
    (tmp_path / "f").write_bytes(content)

    assert is_cut(str(tmp_path / "f"))


def test_another_format_is_left_to_nginx(cache: StartCache, origin: Origin) -> None:
    """A version of the file's head that we do not know is not judged."""
    origin.files[NAR] = BODY
    one = cache(origin)
    one.get(NAR)
    [entry] = wait_stored(one)
    data = bytearray(entry.path.read_bytes()[:-100])
    data[0] = 9
    entry.path.write_bytes(data)

    assert not is_cut(str(entry.path))


def both(one: Cache) -> tuple[Zone, Zone]:
    """Return both zones of a cache."""
    return (one.plan.zones.metadata, one.plan.zones.nar)


def wait_stored_in(place: Path, count: int) -> None:
    """Wait until so many answers are stored below a directory."""
    deadline = time.monotonic() + 2
    while sum(len(path.name) == 32 for path in place.rglob("*")) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)
