"""What was stored is served whatever the upstreams do."""

import time

import pytest

from tests.nginx.conftest import MakeOrigin, StartCache
from tests.nginx.origin import Fault, Framing, Origin
from tests.nginx.samples import HASH, NAR, NARINFO, narinfo, noise
from tests.nginx.stored import expire, wait_stored

FAULTS = {
    "500": Fault(status=500),
    "502": Fault(status=502),
    "503": Fault(status=503),
    "504": Fault(status=504),
    "520": Fault(status=520),
    "429": Fault(status=429),
    "401": Fault(status=401),
    "400": Fault(status=400),
    "302": Fault(status=302, headers=(("Location", "http://127.0.0.1:1/"),)),
    "reset": Fault(reset=-1),
    "silent": Fault(silent=True),
    "html": Fault(
        status=200, body=b"<html>log in</html>", headers=(("Content-Type", "text/html"),)
    ),
    "refused": None,
}


@pytest.mark.core
@pytest.mark.parametrize("kind", FAULTS)
def test_fresh_content_is_served_without_asking(
    kind: str, cache: StartCache, origin: Origin
) -> None:
    """Fresh narinfos and NARs are hits in every outage, and nobody is asked."""
    origin.files = {NARINFO: narinfo(), NAR: noise(100_000), f"/{HASH}.ls": b"{}"}
    one = cache(origin)
    for path in origin.files:
        one.get(path)
    wait_stored(one, count=3)
    _break(origin, FAULTS[kind])
    origin.forget()

    replies = {path: one.get(path) for path in origin.files}

    assert {path: reply.body for path, reply in replies.items()} == origin.files
    assert {reply.cache_status for reply in replies.values()} == {"HIT"}
    assert origin.requests == []


@pytest.mark.core
@pytest.mark.parametrize("kind", FAULTS)
def test_expired_content_is_served_stale(kind: str, cache: StartCache, origin: Origin) -> None:
    """Past its time, what was stored is served at once in every outage, and again, and again."""
    origin.files = {NARINFO: narinfo(), NAR: noise(100_000), f"/{HASH}.ls": b"{}"}
    one = cache(origin)
    for path in origin.files:
        one.get(path)
    _break(origin, FAULTS[kind])
    expire(one, count=3)
    start = time.monotonic()

    replies = [(path, one.get(path)) for path in (*origin.files, *origin.files)]

    assert [(r.status, r.body) for _, r in replies] == [(200, origin.files[p]) for p, _ in replies]
    assert {reply.cache_status for _, reply in replies} <= {"STALE", "UPDATING"}
    limit = 6 if kind == "silent" else 1
    assert time.monotonic() - start < limit


def test_a_stale_narinfo_waits_for_nobody(cache: StartCache, origin: Origin) -> None:
    """A stale narinfo is served at once while a slow upstream is asked in the background."""
    origin.files[NARINFO] = narinfo()
    one = cache(origin)
    one.get(NARINFO)
    expire(one)
    origin.fail(Fault(delay=1.0))

    reply = one.get(NARINFO)

    assert (reply.cache_status, reply.body) == ("STALE", narinfo())
    assert reply.seconds < 0.5
    assert len(origin.wait_for(NARINFO, 2)) == 2


def test_an_outage_ends_by_itself(cache: StartCache, origin: Origin) -> None:
    """Once the upstream is back the next request gets through: no failure is held against it."""
    origin.files[NARINFO] = narinfo()
    one = cache(origin)
    origin.stop()
    down = [one.get(NARINFO).status for _ in range(5)]
    origin.start()

    reply = one.get(NARINFO)

    assert down == [502] * 5
    assert (reply.status, reply.cache_status) == (200, "MISS")


def test_a_silent_upstream_is_given_up_within_seconds(cache: StartCache, origin: Origin) -> None:
    """Metadata waits for a silent upstream for some seconds only, whatever read_timeout says."""
    origin.fail(Fault(silent=True))
    one = cache({"url": origin.url, "name": "a"})

    reply = one.get(NARINFO)

    assert reply.status == 504
    assert reply.seconds < 6
    assert reply.line


def test_a_body_that_stalls_is_given_up(cache: StartCache, origin: Origin) -> None:
    """A NAR that stops in the middle ends the answer after read_timeout, and is not stored."""
    origin.files[NAR] = noise(100_000)
    one = cache(origin)
    origin.fail(Fault(stall=40_000, times=1))
    start = time.monotonic()

    broken = one.get(NAR)
    took = time.monotonic() - start
    healed = one.get(NAR)

    assert not broken.whole
    assert took < 4
    assert (healed.body, healed.cache_status) == (origin.files[NAR], "MISS")


def test_framing_is_the_upstreams_own_business(cache: StartCache, origin: Origin) -> None:
    """A chunked narinfo, and a chunked NAR, are served whole, cold and warm."""
    origin.files = {NARINFO: narinfo(), NAR: noise(300_000)}
    origin.fail(Fault(framing=Framing.CHUNKED))
    one = cache(origin)

    for path, body in origin.files.items():
        cold, warm = one.get(path), one.get(path)
        assert (cold.body, warm.body) == (body, body)
        assert (cold.cache_status, warm.cache_status) == ("MISS", "HIT")


def _break(origin: Origin, fault: Fault | None) -> None:
    if fault is None:
        origin.stop()
    else:
        origin.fail(fault)


def test_a_disk_that_cannot_be_read_is_no_miss(cache: StartCache, origin: Origin) -> None:
    """A stored file that cannot be opened is our failure: a 502, not a 404 that clients believe."""
    origin.files[NARINFO] = narinfo()
    one = cache(origin)
    one.get(NARINFO)
    [entry] = wait_stored(one)
    one.stop()
    entry.path.unlink()
    entry.path.symlink_to(entry.path)  # whoever opens it gets ELOOP
    one.start()

    assert one.get(NARINFO).status == 502


def test_a_disk_that_cannot_be_read_passes_to_the_next(
    cache: StartCache, origins: MakeOrigin
) -> None:
    """The second upstream's no, stored or not, does not make it a miss."""
    first, second = origins({NARINFO: narinfo()}), origins()
    one = cache(first, second)
    one.get(NARINFO)
    [entry] = wait_stored(one)
    one.stop()
    entry.path.unlink()
    entry.path.symlink_to(entry.path)
    one.start()

    assert [one.get(NARINFO).status, one.get(NARINFO).status] == [502, 502]
    assert len(second.requests) == 1
