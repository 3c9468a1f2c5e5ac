"""Filling the cache: many clients, one download; and what a client may ask of a stored NAR."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.nginx.client import at_once, connect, request_bytes
from tests.nginx.conftest import StartCache
from tests.nginx.origin import Fault, File, Framing, Origin, Ranges
from tests.nginx.samples import NAR, NARINFO, narinfo, narinfo_path, noise
from tests.nginx.stored import wait_stored


@pytest.mark.core
def test_many_clients_make_one_download(cache: StartCache, origin: Origin) -> None:
    """Twenty clients that want one slow NAR at once all get it, and the upstream sends it once."""
    origin.files[NAR] = noise(400_000)
    origin.fail(Fault(drip=400_000))
    one = cache(origin, workers="auto")

    replies = at_once(20, lambda: one.get(NAR))

    assert {reply.body for reply in replies} == {origin.files[NAR]}
    assert len(origin.requests) == 1


def test_a_download_longer_than_the_default_lock_is_made_once(
    cache: StartCache, origin: Origin
) -> None:
    """A NAR that takes more than nginx's five seconds is still downloaded once."""
    origin.files[NAR] = noise(130_000)
    origin.fail(Fault(drip=20_000))
    one = cache(origin, workers="auto")

    replies = at_once(5, lambda: one.get(NAR, timeout=20))

    assert {reply.body for reply in replies} == {origin.files[NAR]}
    assert max(reply.seconds for reply in replies) > 5.5
    assert len(origin.requests) == 1


def test_a_no_from_a_slow_upstream_is_not_waited_for_in_turn(
    cache: StartCache, origin: Origin
) -> None:
    """Many clients that want a NAR nobody has are all told within a second or so."""
    origin.fail(Fault(delay=0.3))
    one = cache(origin, workers="auto")
    start = time.monotonic()

    replies = at_once(10, lambda: one.get(NAR))

    assert {reply.status for reply in replies} == {404}
    assert time.monotonic() - start < 2


@pytest.mark.core
def test_narinfos_wait_for_no_lock(cache: StartCache, origin: Origin) -> None:
    """Of 32 clients on one slow narinfo nobody waits for another: a lock polls twice a second."""
    origin.files[NARINFO] = narinfo()
    origin.fail(Fault(delay=0.3))
    one = cache(origin, workers="auto")

    replies = at_once(32, lambda: one.get(NARINFO))

    assert {reply.body for reply in replies} == {narinfo()}
    together = [r for r in origin.requests if r.time < origin.requests[0].time + 0.3]
    assert len(together) > 1, "with a lock only one is asked, and the others find out later"
    assert sorted(reply.seconds for reply in replies)[len(together) // 2] < 1


@pytest.mark.core
def test_a_client_that_hangs_up_loses_nothing(cache: StartCache, origin: Origin) -> None:
    """A fill whose only client leaves goes on, and serves the next one without the upstream."""
    origin.files[NAR] = noise(300_000)
    origin.fail(Fault(drip=600_000))
    one = cache(origin)

    with connect(one.address) as stream:
        stream.sendall(request_bytes(NAR))
        assert stream.recv(1000)
    wait_stored(one)
    origin.stop()
    reply = one.get(NAR)

    assert (reply.body, reply.cache_status) == (origin.files[NAR], "HIT")
    assert len(origin.requests) == 1


def test_a_reload_loses_no_download(cache: StartCache, origin: Origin) -> None:
    """A download that runs while the configuration changes arrives whole and is stored."""
    origin.files[NAR] = noise(300_000)
    origin.fail(Fault(drip=400_000))
    one = cache(origin)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(one.get, NAR)
        origin.wait_for(NAR)
        one.apply({"nix_cache_info": {"priority": 31}})
        assert running.result().body == origin.files[NAR]
    wait_stored(one)
    origin.stop()

    assert one.get(NAR).cache_status == "HIT"


@pytest.mark.core
@pytest.mark.parametrize("ranges", Ranges)
def test_ranges_of_a_stored_nar(ranges: Ranges, cache: StartCache, origin: Origin) -> None:
    """A hit answers every kind of range, whatever the upstream says about ranges."""
    body = noise(100_000)
    origin.files[NAR] = body
    origin.fail(Fault(ranges=ranges))
    one = cache(origin)
    whole = one.get(NAR)
    origin.stop()
    size = len(body)
    asked = {
        "bytes=50000-": (body[50_000:], f"bytes 50000-{size - 1}/{size}"),
        "bytes=0-": (body, f"bytes 0-{size - 1}/{size}"),
        "bytes=10-19": (body[10:20], f"bytes 10-19/{size}"),
        "bytes=-5": (body[-5:], f"bytes {size - 5}-{size - 1}/{size}"),
        f"bytes={size - 1}-": (body[-1:], f"bytes {size - 1}-{size - 1}/{size}"),
    }

    assert (whole.body, whole.get("Accept-Ranges")) == (body, "bytes")
    for value, (part, where) in asked.items():
        reply = one.get(NAR, headers=[("Range", value)])
        assert (reply.status, reply.get("Content-Range")) == (206, where), value
        assert (reply.body, reply.cache_status) == (part, "HIT"), value
    assert one.get(NAR).get("Accept-Ranges") == "bytes"


@pytest.mark.core
def test_a_range_past_the_end_is_416(cache: StartCache, origin: Origin) -> None:
    """A range that starts past the end is a 416 with the size, never a 404 and never another's."""
    origin.files[NAR] = noise(1000)
    one = cache(origin)
    one.get(NAR)

    reply = one.get(NAR, headers=[("Range", "bytes=1000-")])

    assert reply.status == 416
    assert reply.get("Content-Range") == "bytes */1000"
    assert len(origin.requests) == 1


def test_several_ranges_at_once_are_no_puzzle(cache: StartCache, origin: Origin) -> None:
    """A request for two parts gets the whole, or both with one Content-Type; Nix never asks so."""
    origin.files[NAR] = noise(1000)
    one = cache(origin)
    one.get(NAR)

    reply = one.get(NAR, headers=[("Range", "bytes=0-9,20-29")])

    assert reply.get("Content-Type") is not None
    assert (reply.status, reply.body) == (200, noise(1000)) or reply.status == 206


@pytest.mark.core
@pytest.mark.parametrize("ranges", Ranges)
def test_a_range_of_a_cold_nar(ranges: Ranges, cache: StartCache, origin: Origin) -> None:
    """A resume of a NAR that is not stored gets its part, and the whole gets stored by it."""
    body = noise(100_000)
    origin.files[NAR] = body
    origin.fail(Fault(ranges=ranges))
    one = cache(origin)

    part = one.get(NAR, headers=[("Range", "bytes=60000-")])
    wait_stored(one)
    origin.stop()
    whole = one.get(NAR)

    assert (part.status, part.body) == (206, body[60_000:])
    assert part.get("Content-Range") == "bytes 60000-99999/100000"
    assert (whole.body, whole.cache_status) == (body, "HIT")


@pytest.mark.parametrize("damage", ["emptied", "zeroed"])
def test_a_damaged_file_is_fetched_again(damage: str, cache: StartCache, origin: Origin) -> None:
    """A stored file without its head, as a power cut may leave it, is not served but replaced."""
    origin.files = {NARINFO: narinfo(), NAR: noise(10_000)}
    one = cache(origin)
    for path in origin.files:
        one.get(path)
    for entry in wait_stored(one, count=2):
        size = entry.path.stat().st_size
        entry.path.write_bytes(b"" if damage == "emptied" else bytes(size))

    replies = {path: one.get(path) for path in origin.files}

    assert {path: reply.body for path, reply in replies.items()} == origin.files
    assert {reply.cache_status for reply in replies.values()} == {"MISS"}


def test_if_range_holds(cache: StartCache, origin: Origin) -> None:
    """A resume of another version's download gets the whole of this one."""
    origin.files[NAR] = File(noise(1000))
    one = cache(origin)
    etag = one.get(NAR).get("ETag")

    same = one.get(NAR, headers=[("Range", "bytes=500-"), ("If-Range", str(etag))])
    other = one.get(NAR, headers=[("Range", "bytes=500-"), ("If-Range", '"other"')])

    assert (same.status, len(same.body)) == (206, 500)
    assert (other.status, len(other.body)) == (200, 1000)


def test_a_chunked_nar_is_served_whole(cache: StartCache, origin: Origin) -> None:
    """A NAR that came in chunks has no length for nginx, so a range of it gets all of it."""
    origin.files[NAR] = noise(50_000)
    origin.fail(Fault(framing=Framing.CHUNKED, ranges=Ranges.IGNORED))
    one = cache(origin)

    one.get(NAR)
    warm = one.get(NAR, headers=[("Range", "bytes=40000-")])

    assert (warm.status, warm.body) in ((200, noise(50_000)), (206, noise(50_000)[40_000:]))
    assert (warm.status == 206) == (warm.get("Content-Range") is not None)


def test_head_stores_nothing_that_is_large(cache: StartCache, origin: Origin) -> None:
    """A HEAD of a NAR says its size without the client waiting for the whole of it."""
    origin.files[NAR] = noise(200_000)
    origin.fail(Fault(drip=100_000, method="GET"))
    one = cache(origin)

    reply = one.head(NAR)

    assert (reply.status, reply.get("Content-Length")) == (200, "200000")
    assert reply.seconds < 0.5


def test_a_slow_reader_gets_it_whole(cache: StartCache, origin: Origin) -> None:
    """A client slower than the upstream gets every byte, and the fill does not wait for it."""
    origin.files[NAR] = noise(8_000_000)
    one = cache(origin)

    with connect(one.address) as stream:
        stream.sendall(request_bytes(NAR))
        got = stream.recv(100)
        wait_stored(one)
        fast = one.get(NAR)
        while piece := stream.recv(1 << 20):
            got += piece

    assert fast.cache_status == "HIT"
    assert got.endswith(fast.body[-1000:])
    assert len(got) > 8_000_000
    assert len(origin.requests) == 1


def test_a_burst_of_narinfos_uses_few_connections(cache: StartCache, origin: Origin) -> None:
    """Five hundred narinfos over one connection are asked over few connections upstream."""
    paths = [narinfo_path(number) for number in range(500)]
    origin.files = dict.fromkeys(paths, narinfo())
    one = cache(origin)

    replies = one.get_all(paths)

    assert {reply.status for reply in replies} == {200}
    assert origin.connections <= 2
