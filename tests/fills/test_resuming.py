"""Clients whose download was cut and who go on where it ended, while nobody downloads the NAR."""

import time
from typing import Final

import pytest

from tests.fills.conftest import StartBeside
from tests.fills.sidecar import ask
from tests.nginx.cache import Cache, upstream
from tests.nginx.client import Reply, at_once
from tests.nginx.conftest import MakeOrigin, StartCache
from tests.nginx.origin import Fault, File, Origin, Ranges
from tests.nginx.samples import NAR, noise
from tests.nginx.stored import entries, wait_stored

BODY = noise(400_000)
AS_NIX_WAITS: Final = 0.25
"""Seconds, at least, before Nix tries again (filetransfer.cc)."""


def go_on(cache: Cache, have: int, *headers: tuple[str, str], path: str = NAR) -> Reply:
    """Ask for what lies behind the first `have` bytes."""
    return ask(cache, ("Range", f"bytes={have}-"), *headers, path=path)


def go_on_in_vain(cache: Cache, origin: Origin) -> None:
    """Have the whole that a client who goes on is given at first cut, too."""
    origin.fail(Fault(NAR, cut=1000))
    assert go_on(cache, 300_000).body == b""
    assert entries(cache) == []
    origin.heal()
    time.sleep(AS_NIX_WAITS)


@pytest.mark.core
def test_a_download_that_was_cut_once_is_stored(
    cache: StartCache, beside: StartBeside, origin: Origin
) -> None:
    """Who goes on has the end of a whole download, which the next client finds in the cache."""
    origin.files[NAR] = BODY
    origin.fail(Fault(NAR, cut=300_000, times=1))
    one = cache(origin)
    beside(one)

    assert ask(one).body == BODY[:300_000]
    reply = go_on(one, 300_000)

    assert (reply.status, reply.body) == (206, BODY[300_000:])
    assert [entry.status for entry in wait_stored(one)] == [200]
    assert (ask(one).cache_status, len(origin.requests)) == ("HIT", 2)


@pytest.mark.core
def test_only_the_rest_is_asked_for(cache: StartCache, beside: StartBeside, origin: Origin) -> None:
    """The upstream is asked for the part, with the client's validator, and no part is stored."""
    origin.files[NAR] = File(BODY)
    one = cache(origin)
    beside(one)
    go_on_in_vain(one, origin)

    reply = go_on(one, 300_000, ("If-Range", File(BODY).etag))

    [_, asked] = origin.requests
    assert (asked.headers["range"], asked.headers["if-range"]) == ("bytes=300000-", File(BODY).etag)
    assert (reply.status, reply.body, reply.upstream) == (206, BODY[300_000:], "a")
    assert reply.get("Content-Range") == f"bytes 300000-{len(BODY) - 1}/{len(BODY)}"
    assert entries(one) == []
    assert (ask(one).cache_status, ask(one).body) == ("MISS", BODY)
    assert (go_on(one, 300_000).cache_status, len(origin.requests)) == ("HIT", 3)


def test_far_behind_the_beginning(cache: StartCache, beside: StartBeside, origin: Origin) -> None:
    """Nobody waits for so much that he has already: the rest alone is asked for at once."""
    origin.files[NAR] = File(BODY)
    one = cache(origin)
    beside(one)

    assert go_on(one, 70_000_000).status == 416
    assert [asked.headers.get("range") for asked in origin.requests] == ["bytes=70000000-"]


def test_an_upstream_without_ranges_gives_the_whole(
    cache: StartCache, beside: StartBeside, origin: Origin
) -> None:
    """It answers with all, of which the client gets its part; and then it is stored."""
    origin.files[NAR] = BODY
    one = cache(origin)
    beside(one)
    go_on_in_vain(one, origin)
    origin.fail(Fault(NAR, ranges=Ranges.IGNORED))

    reply = go_on(one, 300_000)

    assert (reply.status, reply.body) == (206, BODY[300_000:])
    assert [entry.status for entry in wait_stored(one)] == [200]
    assert (ask(one).cache_status, len(origin.requests)) == ("HIT", 2)


def test_past_the_end(cache: StartCache, beside: StartBeside, origin: Origin) -> None:
    """A client that has it all is told so, as the upstream tells it."""
    origin.files[NAR] = BODY
    one = cache(origin)
    beside(one)
    go_on_in_vain(one, origin)

    reply = go_on(one, len(BODY))

    assert (reply.status, entries(one)) == (416, [])


@pytest.mark.parametrize("path", [NAR, NAR.replace("/nar/", "/nar/~b/")])
def test_the_rest_of_the_second_upstreams(
    path: str, cache: StartCache, beside: StartBeside, origins: MakeOrigin
) -> None:
    """It comes from the upstream that has it, by both of its names, past a redirect as well."""
    have, rest = 65 << 20, noise(1000)
    first, second, store = origins(), origins(), origins({"/blob": bytes(have) + rest})
    second.fail(Fault(NAR, status=302, headers=(("Location", f"{store.url}/blob"),)))
    one = cache(upstream(first, "a"), upstream(second, "b", redirect_hosts=["127.0.0.1"]))
    beside(one)

    reply = go_on(one, have, path=path)

    assert (reply.status, reply.body, reply.upstream) == (206, rest, "b")
    assert [asked.headers.get("range") for asked in store.requests] == [f"bytes={have}-"]


def test_what_the_second_upstream_gave_is_not_asked_for_again(
    cache: StartCache, beside: StartBeside, origins: MakeOrigin
) -> None:
    """A part of what is stored comes out of the cache, whoever it is from."""
    first, second = origins(), origins({NAR: BODY})
    one = cache(upstream(first, "a"), upstream(second, "b"))
    beside(one)
    assert ask(one).body == BODY
    wait_stored(one)

    assert (go_on(one, 300_000).body, len(second.requests)) == (BODY[300_000:], 1)


@pytest.mark.parametrize("rests", [[], ["bytes=300000-"]], ids=["once", "again"])
def test_a_herd_that_was_cut_asks_for_no_rest_each(
    rests: list[str], cache: StartCache, beside: StartBeside, origin: Origin
) -> None:
    """All read along one download; of many that were cut again one asks for the rest, too."""
    origin.files[NAR] = BODY
    one = cache(origin)
    beside(one)
    if rests:
        go_on_in_vain(one, origin)
    origin.forget()
    origin.fail(Fault(NAR, drip=400_000))

    replies = at_once(8, lambda: go_on(one, 300_000))

    assert {reply.body for reply in replies} == {BODY[300_000:]}
    ranges = [asked.headers.get("range", "") for asked in origin.requests]
    assert sorted(ranges) == ["", *rests]


def test_without_the_sidecar(cache: StartCache, origins: MakeOrigin) -> None:
    """Where `passthru fills` does not run, the whole is fetched as ever, past a redirect as well."""
    front, store = origins(), origins({"/blob": BODY})
    front.fail(Fault(NAR, status=302, headers=(("Location", f"{store.url}/blob"),)))
    one = cache(upstream(front, "a", redirect_hosts=["127.0.0.1"]))

    reply = go_on(one, 300_000)

    assert (reply.status, reply.body) == (206, BODY[300_000:])
    assert [entry.status for entry in wait_stored(one)] == [200]
