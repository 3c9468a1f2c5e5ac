"""Clients that want a NAR while it is downloaded for another: its bytes as they come."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from passthru.nginx.plan import FOLLOWED
from tests.fills.conftest import StartBeside
from tests.fills.sidecar import ask, await_fill
from tests.nginx.cache import upstream
from tests.nginx.client import at_once, connect, request_bytes
from tests.nginx.conftest import MakeOrigin, StartCache
from tests.nginx.origin import Fault, File, Framing, Origin
from tests.nginx.samples import NAR, noise
from tests.nginx.stored import entries, wait_stored

BODY = noise(1_200_000)
SLOW = 400_000
"""Bytes a second: it takes three seconds."""


@pytest.mark.core
def test_followers_read_along(cache: StartCache, beside: StartBeside, origin: Origin) -> None:
    """Eight clients have the first byte of a slow NAR at once, each all of it, for one download."""
    origin.files[NAR] = BODY
    origin.fail(Fault(drip=SLOW))
    one = cache(origin, workers="auto")
    beside(one)

    replies = at_once(8, lambda: ask(one))

    assert {reply.body for reply in replies} == {BODY}
    assert {reply.get("Content-Length") for reply in replies} == {str(len(BODY))}
    assert max(reply.first_byte for reply in replies) < 1.5 < min(r.seconds for r in replies)
    assert len(origin.requests) == 1
    assert "unix:" in one.address or ask(one).cache_status == "HIT"


@pytest.mark.core
def test_a_late_follower_reads_what_is_there(
    cache: StartCache, beside: StartBeside, origin: Origin
) -> None:
    """Who comes in the middle gets all from the beginning, with the upstream's validators."""
    origin.files[NAR] = File(BODY)
    origin.fail(Fault(drip=SLOW))
    one = cache(origin)
    beside(one)
    with ThreadPoolExecutor(1) as pool:
        leader = pool.submit(ask, one)
        await_fill(one)
        time.sleep(1)
        follower = ask(one)
        first = leader.result()

    assert (follower.whole, follower.body) == (True, BODY)
    assert follower.first_byte < 0.5
    for name in ("ETag", "Last-Modified", "Content-Type", "Accept-Ranges", "X-Cache-Status"):
        assert follower.get(name) == first.get(name) is not None, name
    assert (follower.upstream, len(origin.requests)) == ("a", 1)
    assert [entry.status for entry in wait_stored(one)] == [200]


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ("bytes=600000-", BODY[600_000:]),
        ("bytes=0-", BODY),
        ("bytes=100-199", BODY[100:200]),
        ("bytes=1199999-", BODY[-1:]),
        ("bytes=1100000-9999999", BODY[1_100_000:]),
        ("bytes=-5", BODY[-5:]),
    ],
)
def test_a_range_of_what_is_on_its_way(
    value: str, part: bytes, cache: StartCache, beside: StartBeside, origin: Origin
) -> None:
    """A resume gets its part as soon as that has come, and says where it is in the whole."""
    origin.files[NAR] = BODY
    origin.fail(Fault(drip=SLOW))
    one = cache(origin)
    beside(one)
    with ThreadPoolExecutor(1) as pool:
        leader = pool.submit(ask, one)
        await_fill(one)
        reply = ask(one, ("Range", value))
        stored = leader.result()

    first = BODY.rindex(part)
    where = f"bytes {first}-{first + len(part) - 1}/{len(BODY)}"
    assert (reply.status, reply.body, reply.get("Content-Range")) == (206, part, where)
    assert (stored.body, len(origin.requests)) == (BODY, 1)
    if value == "bytes=100-199":
        assert reply.seconds < 1.5


def test_if_range_of_what_is_on_its_way(
    cache: StartCache, beside: StartBeside, origin: Origin
) -> None:
    """A resume of another version's download gets the whole of this one; past the end is 416."""
    origin.files[NAR] = File(BODY)
    origin.fail(Fault(drip=SLOW))
    one = cache(origin)
    beside(one)
    with ThreadPoolExecutor(4) as pool:
        leader = pool.submit(ask, one)
        await_fill(one)
        same = pool.submit(ask, one, ("Range", "bytes=9-"), ("If-Range", File(BODY).etag))
        other = pool.submit(ask, one, ("Range", "bytes=9-"), ("If-Range", '"other"'))
        past = pool.submit(ask, one, ("Range", f"bytes={len(BODY)}-"))

    assert (same.result().status, same.result().body) == (206, BODY[9:])
    assert (other.result().status, other.result().body) == (200, BODY)
    assert (past.result().status, past.result().get("Content-Range")) == (
        416,
        f"bytes */{len(BODY)}",
    )
    assert leader.result().body == BODY


def test_a_head_is_answered_at_once(cache: StartCache, beside: StartBeside, origin: Origin) -> None:
    """A HEAD tells the size while the NAR is on its way."""
    origin.files[NAR] = BODY
    origin.fail(Fault(drip=SLOW))
    one = cache(origin)
    beside(one)
    with ThreadPoolExecutor(1) as pool:
        leader = pool.submit(ask, one)
        await_fill(one)
        reply = ask(one, method="HEAD")
        assert not leader.done()

    assert (reply.status, reply.get("Content-Length"), reply.body) == (200, str(len(BODY)), b"")
    assert reply.seconds < 1


def test_a_quick_download_is_read_along_by_few(
    cache: StartCache, beside: StartBeside, origin: Origin
) -> None:
    """One more client of a download of half a second does not wait for its end either."""
    origin.files[NAR] = BODY
    origin.fail(Fault(drip=3_000_000))
    one = cache(origin)
    beside(one)
    with ThreadPoolExecutor(1) as pool:
        leader = pool.submit(ask, one)
        await_fill(one)
        reply = ask(one)
        first = leader.result()

    assert (reply.cache_status, reply.body) == ("MISS", BODY)
    assert (first.cache_status, first.body) == ("MISS", BODY)
    assert len(origin.requests) == 1


def test_chunks_are_followed(cache: StartCache, beside: StartBeside, origin: Origin) -> None:
    """A NAR without a length is read along too, and ends when it is known to be whole."""
    origin.files[NAR] = BODY
    origin.fail(Fault(drip=SLOW, framing=Framing.CHUNKED))
    one = cache(origin)
    beside(one)

    replies = at_once(3, lambda: ask(one))

    assert {(reply.whole, reply.body) for reply in replies} == {(True, BODY)}
    assert max(reply.first_byte for reply in replies) < 1.5
    assert len(origin.requests) == 1


def test_an_encoded_nar_stays_encoded(
    cache: StartCache, beside: StartBeside, origin: Origin
) -> None:
    """What an upstream encoded unasked is marked so for followers, too."""
    origin.files[NAR] = BODY
    origin.fail(Fault(drip=SLOW, gzip=True))
    one = cache(origin)
    beside(one)

    first, second = at_once(2, lambda: ask(one))

    assert first.get("Content-Encoding") == second.get("Content-Encoding") == "gzip"
    assert first.body == second.body


@pytest.mark.core
def test_a_leader_that_hangs_up_still_leads(
    cache: StartCache, beside: StartBeside, origin: Origin
) -> None:
    """The download goes on without its client, and who comes then reads along."""
    origin.files[NAR] = BODY
    origin.fail(Fault(drip=SLOW))
    one = cache(origin)
    beside(one)
    with connect(one.address) as stream:
        stream.sendall(request_bytes(NAR))
        assert stream.recv(1000)
    await_fill(one)

    reply = ask(one)

    assert (reply.body, len(origin.requests)) == (BODY, 1)
    assert reply.first_byte < 0.5
    wait_stored(one)


@pytest.mark.core
@pytest.mark.parametrize("path", [NAR, NAR.replace("/nar/", "/nar/~b/")])
def test_the_second_upstream_is_followed(
    path: str, cache: StartCache, beside: StartBeside, origins: MakeOrigin
) -> None:
    """A NAR that comes from the second upstream is read along, by both of its names."""
    first, second = origins(), origins({NAR: BODY})
    first.fail(Fault(delay=0.2))
    second.fail(Fault(drip=SLOW))
    one = cache(first, second)
    beside(one)
    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(ask, one, path=path) for _ in range(3)]
        await_fill(one)
        late = pool.submit(ask, one, path=path)
        replies = [future.result() for future in (*running, late)]

    assert {(reply.body, reply.upstream) for reply in replies} == {(BODY, "b")}
    assert max(reply.first_byte for reply in replies) < 1.5
    assert (len(first.requests), len(second.requests)) == (1 if path == NAR else 0, 1)


@pytest.mark.parametrize("by", ["redirect", "narinfo"])
def test_what_is_elsewhere_is_followed(
    by: str, cache: StartCache, beside: StartBeside, origins: MakeOrigin
) -> None:
    """A NAR that an upstream redirects to elsewhere, or its narinfo leads to, is one download, too."""
    front, store = origins(), origins({"/blob": BODY})
    path = NAR if by == "redirect" else f"/nar/~a/~/http/127.0.0.1:{store.port}/blob"
    front.fail(Fault(NAR, status=302, headers=(("Location", f"{store.url}/blob"),)))
    store.fail(Fault(drip=SLOW))
    one = cache(upstream(front, "a", redirect_hosts=["127.0.0.1"]))
    beside(one)

    replies = at_once(3, lambda: ask(one, path=path))

    assert {reply.body for reply in replies} == {BODY}
    assert max(reply.first_byte for reply in replies) < 1.5
    assert (len(front.requests), len(store.requests)) == (int(by == "redirect"), 1)


@pytest.mark.parametrize("count", [1, 3, 7, 8])
def test_nobody_has_it(
    count: int, cache: StartCache, beside: StartBeside, origins: MakeOrigin
) -> None:
    """Many who ask at once for what no upstream has are told so at once, and it is no outage.

    Upstreams may be asked twice: the last follower that leaves a key makes nginx forget a "no"
    (ngx_http_file_cache_free).
    """
    made = [origins() for _ in range(count)]
    for origin in made:
        origin.fail(Fault(delay=0.1))
    one = cache(*made)
    beside(one)

    replies = at_once(10, lambda: ask(one))

    assert {reply.status for reply in replies} == {404}
    assert max(reply.seconds for reply in replies) < 0.1 * count + 1.5
    assert max(len(origin.requests) for origin in made) <= 2


def test_the_named_upstream_has_not_got_it(
    cache: StartCache, beside: StartBeside, origins: MakeOrigin
) -> None:
    """Nor is it an outage when a NAR is asked of one upstream by its name; a failure is one."""
    first, second = origins(), origins()
    second.fail(Fault(delay=0.1))
    one = cache(first, second)
    beside(one)
    path = NAR.replace("/nar/", "/nar/~b/")

    replies = at_once(6, lambda: ask(one, path=path))
    second.heal()
    second.fail(Fault(delay=0.1, status=500))
    failed = at_once(6, lambda: ask(one, path=f"{path}?x"))

    assert ({r.status for r in replies}, {r.status for r in failed}) == ({404}, {502})
    assert first.requests == []


@pytest.mark.parametrize("count", [1, 2])
def test_nobody_has_it_without_the_sidecar(
    count: int, cache: StartCache, origins: MakeOrigin
) -> None:
    """It is no outage either where `passthru fills` does not run."""
    made = [origins() for _ in range(count)]
    for origin in made:
        origin.fail(Fault(delay=0.1))
    one = cache(*made)

    replies = at_once(6, lambda: ask(one))

    assert {reply.status for reply in replies} == {404}


@pytest.mark.parametrize("code", [503, FOLLOWED])
def test_an_outage_is_one_for_followers(
    code: int, cache: StartCache, beside: StartBeside, origin: Origin
) -> None:
    """When the upstream fails, nobody is told that it has not got the NAR, and soon."""
    origin.fail(Fault(status=code, delay=0.2))
    one = cache(origin)
    beside(one)

    replies = at_once(6, lambda: ask(one))

    assert {reply.status for reply in replies} == {502}
    assert entries(one) == []
