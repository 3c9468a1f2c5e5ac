"""Upstreams in order: who is asked, who answers, and what is remembered of each."""

import time

import pytest

from passthru.nginx.render import OUT_OF_REACH
from tests.nginx.cache import upstream
from tests.nginx.conftest import MakeOrigin, StartCache
from tests.nginx.origin import Fault, Origin
from tests.nginx.samples import DRV, HASH, NAR, NARINFO, narinfo, narinfo_path
from tests.nginx.stored import entries

NO = (403, 404, 410)
HUNG_UP_ON = (444,)
BAD = tuple(code for code in range(300, 600) if code not in (*NO, *OUT_OF_REACH, *HUNG_UP_ON))


@pytest.fixture
def pair(origins: MakeOrigin) -> tuple[Origin, Origin]:
    """Return two origins that hold nothing."""
    return origins(), origins()


@pytest.mark.core
@pytest.mark.parametrize("path", [NARINFO, NAR, f"/{HASH}.ls", f"/log/{DRV}"])
def test_a_no_falls_to_the_next_and_is_remembered(
    path: str, cache: StartCache, pair: tuple[Origin, Origin]
) -> None:
    """The first upstream's 404 is stored under its name, and so is the second one's answer."""
    first, second = pair
    second.files[path] = b"from the second\n"
    one = cache(first, second)

    cold = one.get(path)
    asked = len(first.requests), len(second.requests)
    warm = one.get(path)

    assert (cold.status, cold.body, cold.cache_status) == (200, b"from the second\n", "MISS")
    assert (warm.status, warm.body, warm.cache_status) == (200, b"from the second\n", "HIT")
    assert cold.upstream == warm.upstream == "b"
    assert asked == (1, 1) == (len(first.requests), len(second.requests))


@pytest.mark.parametrize("code", [404, 403, 410])
def test_every_kind_of_no_is_one(code: int, cache: StartCache, pair: tuple[Origin, Origin]) -> None:
    """404, 410, and the 403 of a bucket that may not be listed, all mean no and become a 404."""
    first, second = pair
    first.fail(
        Fault(status=code, body=b"<html>no</html>", headers=(("Content-Type", "text/html"),))
    )
    one = cache(first, second)

    for path in (NARINFO, NAR):
        cold, warm = one.get(path), one.get(path)

        assert (cold.status, warm.status) == (404, 404)
        assert cold.line == warm.line
        assert len(first.seen(path)) == len(second.seen(path)) == 1


def test_the_first_that_has_it_answers(cache: StartCache, pair: tuple[Origin, Origin]) -> None:
    """An upstream that says yes ends the search: those after it are not asked."""
    first, second = pair
    first.files[NARINFO], second.files[NARINFO] = narinfo(note="a"), narinfo(note="b")
    one = cache(first, second)

    reply = one.get(NARINFO)

    assert (reply.body, reply.upstream) == (narinfo(note="a"), "a")
    assert second.requests == []


@pytest.mark.core
def test_a_no_is_forgotten_after_its_time(cache: StartCache, origin: Origin) -> None:
    """Past missing_ttl the first who asks is told the truth: there now, or an outage, no stale no."""
    appears, lost, nar = NARINFO, narinfo_path(1), NAR
    one = cache(origin, cache={"missing_ttl": "1s"})
    before = [one.get(path).status for path in (appears, lost, nar, appears, lost, nar)]
    asked = len(origin.requests)
    origin.files[appears] = narinfo()
    time.sleep(2.1)
    after = one.get(appears)
    origin.stop()
    late = [one.get(path).status for path in (lost, nar, lost)]

    assert before == [404] * 6
    assert asked == 3
    assert (after.status, after.body) == (200, narinfo())
    assert late == [502] * 3


def test_an_expired_no_in_a_chain_is_asked_again(
    cache: StartCache, pair: tuple[Origin, Origin]
) -> None:
    """When the first one's no is over, it is asked before the second one's copy is used."""
    first, second = pair
    second.files = {narinfo_path(n): narinfo(note="b") for n in (1, 2)}
    one = cache(first, second, cache={"missing_ttl": "1s"})
    assert [one.get(path).upstream for path in second.files] == ["b", "b"]
    first.files[narinfo_path(1)] = narinfo(note="a")
    time.sleep(2.1)
    found = one.get(narinfo_path(1))
    first.stop()
    kept = one.get(narinfo_path(2))

    assert (found.upstream, found.body) == ("a", narinfo(note="a"))
    assert (kept.status, kept.cache_status, kept.upstream) == (200, "HIT", "b")


@pytest.mark.parametrize("kind", ["narinfo", "nar"])
def test_any_other_answer_of_one_is_no_answer(
    kind: str, cache: StartCache, pair: tuple[Origin, Origin]
) -> None:
    """Whatever else one upstream says, the next is tried, and its answer is what the client gets."""
    first, second = pair
    paths = {
        code: narinfo_path(code) if kind == "narinfo" else f"/nar/{code}.nar.xz" for code in BAD
    }
    for code, path in paths.items():
        location = (("Location", "http://127.0.0.1:1/elsewhere"), ("Retry-After", "60"))
        first.fail(Fault(path, status=code, headers=location))
        second.files[path] = b"from the second\n"
    one = cache(first, second)

    wrong = {}
    for code, path in paths.items():
        reply = one.get(path)
        if (reply.status, reply.body, reply.upstream) != (200, b"from the second\n", "b"):
            wrong[code] = (reply.status, reply.body)
        assert reply.get("Location") is None, code

    assert wrong == {}


@pytest.mark.parametrize("kind", ["narinfo", "nar"])
def test_any_other_answer_is_an_outage_when_nobody_has_it(
    kind: str, cache: StartCache, pair: tuple[Origin, Origin]
) -> None:
    """One upstream's failure and another one's no is a 502 or 504, said in a line, never stored."""
    first, second = pair
    paths = {
        code: narinfo_path(code) if kind == "narinfo" else f"/nar/{code}.nar.xz" for code in BAD
    }
    for code, path in paths.items():
        elsewhere = (("Location", "http://elsewhere.test/"), ("X-Error", "1"))
        first.fail(Fault(path, status=code, headers=elsewhere))
    one = cache(first, second)

    wrong = {}
    for code, path in paths.items():
        replies = one.get(path), one.get(path)
        if any(reply.status not in (502, 504) for reply in replies):
            wrong[code] = [reply.status for reply in replies]
        assert all(reply.line for reply in replies), code

    assert wrong == {}
    assert len(first.requests) == 2 * len(BAD), "an outage is asked again"
    assert len(second.requests) == len(BAD), "a no is remembered"
    assert entries(one) == []


@pytest.mark.parametrize("code", OUT_OF_REACH)
def test_what_cannot_be_passed_over_is_told(
    code: int, cache: StartCache, pair: tuple[Origin, Origin]
) -> None:
    """Nginx can do nothing about an upstream's 408 and its like but pass it on; it is not stored."""
    first, second = pair
    second.files[NARINFO] = narinfo()
    first.fail(Fault(status=code, times=1))
    one = cache(first, second)

    statuses = [one.get(NARINFO).status, one.get(NARINFO).status]

    assert statuses == [code, 200]


@pytest.mark.parametrize("path", [NARINFO, NAR])
def test_a_444_is_no_answer(path: str, cache: StartCache, origin: Origin) -> None:
    """Nginx hangs up on one, as on a request of its own: that is no miss, and is tried again."""
    origin.files[path] = narinfo()
    origin.fail(Fault(status=444, times=1))
    one = cache(origin)

    with pytest.raises(ConnectionResetError):
        one.get(path)

    assert one.get(path).body == narinfo()


@pytest.mark.parametrize("code", [201, 202, 203, 204, 205, 206, 226, 297, 298, 299])
def test_only_a_200_is_stored(code: int, cache: StartCache, origin: Origin) -> None:
    """Other kinds of success may be passed on, and are never stored."""
    origin.files = {NARINFO: narinfo(), NAR: b"nar"}
    origin.fail(Fault(status=code))
    one = cache(origin)

    assert {one.get(path).status for path in origin.files} == {code}
    origin.heal()

    for path, body in origin.files.items():
        reply = one.get(path)
        assert (reply.status, reply.cache_status, reply.body) == (200, "MISS", body)


@pytest.mark.parametrize("order", ["no first", "outage first"])
def test_the_order_of_no_and_outage_does_not_matter(
    order: str, cache: StartCache, pair: tuple[Origin, Origin]
) -> None:
    """A no before an outage hides it as little as a no after it, cold and with the no stored."""
    says_no, fails = pair
    fails.fail(Fault(status=500))
    one = cache(*((says_no, fails) if order == "no first" else (fails, says_no)))

    statuses = [one.get(path).status for path in (NARINFO, NARINFO, NAR, NAR)]

    assert statuses == [502] * 4


@pytest.mark.core
@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault(reset=-1), 502),
        (Fault(silent=True), 504),
        (Fault(status=500), 502),
        (Fault(raw=b"HTTP/1.1 200 OK\r\nX: " + b"x" * 40_000 + b"\r\n\r\n"), 502),
        (Fault(raw=b""), 502),
        (None, 502),
    ],
    ids=["reset", "silent", "500", "huge", "hangup", "refused"],
)
def test_a_broken_upstream_is_passed_over_and_told(
    fault: Fault | None,
    status: int,
    cache: StartCache,
    pair: tuple[Origin, Origin],
) -> None:
    """However one upstream fails, the next is tried; when that has it not, it is a quick outage."""
    first, second = pair
    second.files[NARINFO] = narinfo()
    second.files[NAR] = b"nar"
    one = cache(*(upstream(o, n, read_timeout="1s") for o, n in ((first, "a"), (second, "b"))))
    if fault:
        first.fail(fault)
    else:
        first.stop()
    start = time.monotonic()

    found = [one.get(NARINFO), one.get(NAR)]
    lost = [one.get(narinfo_path(1)), one.get("/nar/lost.nar")]

    assert [(r.status, r.upstream) for r in found] == [(200, "b"), (200, "b")]
    assert [reply.status for reply in lost] == [status, status]
    assert all(reply.line for reply in lost)
    assert time.monotonic() - start < (6 if status == 504 else 2)


def test_eight_upstreams_are_asked_in_turn(cache: StartCache, origins: MakeOrigin) -> None:
    """The eighth of eight upstreams answers, cold and warm, and when all the others are down."""
    eight = [origins() for _ in range(8)]
    eight[7].files |= {NARINFO: narinfo(), NAR: b"nar", narinfo_path(1): narinfo()}
    one = cache(*eight)

    cold = [one.get(NARINFO), one.get(NAR), one.get(narinfo_path(2))]
    for origin in eight:
        origin.forget()
    warm = [one.get(NARINFO), one.get(NAR), one.get(narinfo_path(2))]
    silent = [origin.requests for origin in eight]
    for origin in eight[:7]:
        origin.stop()
    late = one.get(narinfo_path(1))
    eight[7].stop()

    assert [(r.status, r.upstream) for r in cold[:2]] == [(200, "h"), (200, "h")]
    assert [(r.status, r.cache_status) for r in warm[:2]] == [(200, "HIT"), (200, "HIT")]
    assert [cold[2].status, warm[2].status] == [404, 404]
    assert silent == [[]] * 8
    assert (late.status, late.upstream) == (200, "h")
    assert one.get(narinfo_path(3)).status == 502


@pytest.mark.parametrize("count", [2, 3, 8])
def test_eight_upstreams_that_redirect_are_no_error(
    count: int, cache: StartCache, origins: MakeOrigin
) -> None:
    """Nginx jumps ten times in a request: redirects on top of eight upstreams stay within that."""
    eight = [origins() for _ in range(8)]
    for origin in eight[:count]:
        origin.fail(Fault(NAR, status=302, headers=(("Location", "/elsewhere"),)))
    eight[7].files |= {"/nar/there": b"nar", NAR: b"nar", "/elsewhere": b"nar"}
    if count < 8:
        eight[0].fail(Fault("/nar/lost", status=302, headers=(("Location", "/nowhere"),)))
    one = cache(*eight)

    replies = [one.get(NAR), one.get("/nar/there"), one.get("/nar/lost")]

    assert [reply.status for reply in replies[1:]] == [200, 404]
    assert replies[0].status == 200 or (count == 8 and replies[0].status == 502)


@pytest.mark.core
def test_an_outage_can_be_made_a_miss(cache: StartCache, origin: Origin) -> None:
    """With on_outage = "miss" an outage is a 404, which is not stored."""
    origin.fail(Fault(status=503))
    one = cache(origin, on_outage="miss")

    replies = [one.get(path) for path in (NARINFO, NARINFO, NAR, NAR)]
    stored = entries(one)
    origin.stop()
    replies.append(one.get(NARINFO))

    assert [reply.status for reply in replies] == [404] * 5
    assert len(origin.requests) == 4
    assert stored == []


def test_every_proxied_answer_tells_what_the_cache_did(
    cache: StartCache, pair: tuple[Origin, Origin]
) -> None:
    """X-Cache-Status stands once on hits, misses, refusals and outages alike."""
    first, second = pair
    second.files[NARINFO] = narinfo()
    one = cache(first, second)

    found = [one.get(NARINFO), one.get(NARINFO)]
    missing = [one.get(NAR), one.get(NAR)]
    first.stop()
    failed = one.get(narinfo_path(1))

    assert [reply.cache_status for reply in found] == ["MISS", "HIT"]
    assert [reply.cache_status for reply in missing] == ["MISS", "HIT"]
    assert failed.status == 502
    assert failed.cache_status == "MISS"
    assert one.get(NARINFO).cache_status == "HIT"


@pytest.mark.parametrize("name", ["mirror-504", "504", "502", "never"])
def test_an_upstream_may_be_called_as_a_failure_is(
    name: str, cache: StartCache, origin: Origin
) -> None:
    """What says how it was answered is told from what it is called: its "no" is a miss."""
    one = cache(upstream(origin, name))

    assert [(one.get(path).status, one.get(path).status) for path in (NARINFO, NAR)] == [
        (404, 404),
        (404, 404),
    ]
