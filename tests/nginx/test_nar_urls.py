"""A NAR is asked of the upstream whose narinfo was served, whatever its `URL:` looks like."""

from dataclasses import replace

import pytest

from tests.nginx.cache import PLAIN, plain, upstream
from tests.nginx.conftest import MakeOrigin, StartCache
from tests.nginx.fault import Fault
from tests.nginx.samples import NAR, NARINFO, narinfo, noise

BODY = noise(3000)


def url_of(body: bytes) -> str:
    """Return the `URL:` of a narinfo, as a path."""
    lines = [line for line in body.decode().splitlines() if line.startswith("URL: ")]
    assert len(lines) == 1
    return f"/{lines[0].removeprefix('URL: ')}"


@pytest.mark.core
def test_the_first_upstreams_narinfo_is_untouched(cache: StartCache, origins: MakeOrigin) -> None:
    """That of cache.nixos.org: byte for byte, with its length and its validators."""
    first = origins({NARINFO: narinfo()})
    one = cache(plain(first), origins(), machine=PLAIN)

    reply = one.get(NARINFO)

    assert reply.body == narinfo()
    assert reply.get("Content-Length") == str(len(narinfo()))
    assert reply.get("ETag")


@pytest.mark.core
@pytest.mark.parametrize(
    "url",
    [
        NAR.removeprefix("/"),
        "nar/x.nar?hash=0123456789abcdfghijklmnpqrsvwxyz",
        "nar/snix-castore/EiAG_-?narsize=12",
        "nar/a%2Bb.nar.zst",
    ],
)
def test_another_ones_nar_is_asked_of_it_alone(
    url: str, cache: StartCache, origins: MakeOrigin
) -> None:
    """The first upstream hears nothing of it, and the second time nobody does."""
    first, second = origins(), origins({NARINFO: narinfo(url=url), f"/{url}": BODY})
    one = cache(first, second)
    target = url_of(one.get(NARINFO).body)
    first.forget()

    replies = [one.get(target), one.get(target)]

    assert [(r.status, r.body, r.cache_status, r.upstream) for r in replies] == [
        (200, BODY, "MISS", "b"),
        (200, BODY, "HIT", "b"),
    ]
    assert first.requests == []
    assert [r.path for r in second.seen("/nar/")] == [f"/{url}"]


def test_only_url_is_changed(cache: StartCache, origins: MakeOrigin) -> None:
    """What is signed stays, to the byte."""
    one = cache(origins(), origins({NARINFO: narinfo()}))
    changed = one.get(NARINFO).body

    assert changed == narinfo().replace(b"\nURL: nar/", b"\nURL: nar/~b/")
    assert one.get(NARINFO).body == changed


def test_the_same_name_at_two_upstreams(cache: StartCache, origins: MakeOrigin) -> None:
    """Names that are no content hashes may collide: each narinfo leads to its own NAR."""
    two = f"/{'1' * 32}.narinfo"
    first = origins({NARINFO: narinfo(url="nar/x.nar"), "/nar/x.nar": b"first"})
    second = origins({two: narinfo(url="nar/x.nar"), "/nar/x.nar": b"second"})
    one = cache(first, second)

    found = [one.get(url_of(one.get(path).body)).body for path in (NARINFO, two)]

    assert found == [b"first", b"second"]


def test_an_url_stays_valid_when_the_order_changes(cache: StartCache, origins: MakeOrigin) -> None:
    """Clients keep narinfos for a month: both forms lead to the NAR in either order."""
    first = origins({NARINFO: narinfo(), NAR: BODY})
    second = origins({f"/{'1' * 32}.narinfo": narinfo(url="nar/b.nar"), "/nar/b.nar": b"bbb"})
    one = cache(first, second)
    urls = [url_of(one.get(path).body) for path in (NARINFO, f"/{'1' * 32}.narinfo")]

    one.apply({"upstreams": [upstream(second, "b"), upstream(first, "a")]})

    assert [one.get(url).body for url in urls] == [BODY, b"bbb"]


def test_both_forms_share_what_is_stored(cache: StartCache, origins: MakeOrigin) -> None:
    """A NAR that came by way of the chain is a HIT under its upstream's name too."""
    one = cache(origins(), origins({NAR: BODY}))

    assert [one.get(NAR).cache_status, one.get(f"/nar/~b{NAR[4:]}").cache_status] == ["MISS", "HIT"]


def test_an_upstream_with_a_path(cache: StartCache, origins: MakeOrigin) -> None:
    """Its own path comes before the NAR's."""
    second = origins({f"/team{NARINFO}": narinfo(), f"/team{NAR}": BODY})
    one = cache(origins(), upstream(f"{second.url}/team", "b"))

    assert one.get(url_of(one.get(NARINFO).body)).body == BODY


def test_a_redirected_one(cache: StartCache, origins: MakeOrigin) -> None:
    """Cachix as the second upstream: the narinfo, then a NAR behind a redirect."""
    second, store = origins({NARINFO: narinfo()}), origins({"/blob": BODY})
    second.fail(Fault(f"^{NAR}$", status=302, headers=(("Location", f"{store.url}/blob"),)))
    one = cache(origins(), upstream(second, "b", redirect_hosts=["127.0.0.1"]))
    target = url_of(one.get(NARINFO).body)

    assert [one.get(target).body, one.get(target).cache_status] == [BODY, "HIT"]


def test_its_failure_is_a_failure(cache: StartCache, origins: MakeOrigin) -> None:
    """A 503 is no miss, and a 404 is one."""
    second = origins({NARINFO: narinfo()})
    one = cache(origins(), second)
    target = url_of(one.get(NARINFO).body)
    second.fail(Fault("/nar/", status=503, times=1))

    assert [one.get(target).status, one.get(target).status] == [502, 404]


def test_a_name_that_nobody_has(cache: StartCache, origins: MakeOrigin) -> None:
    """An upstream that is gone from the spec: a plain 404, and the client goes on."""
    assert cache(origins(), origins()).get("/nar/~gone/x.nar").status == 404


@pytest.mark.parametrize("path", ["/nar", "/nar/~a", "/nar/~b", "/nar/~b/"])
def test_a_name_without_a_nar(path: str, cache: StartCache, origins: MakeOrigin) -> None:
    """Nobody is asked, and nobody is redirected to the same with a slash."""
    first, second = origins(), origins()
    reply = cache(first, second).get(path)

    assert (reply.status, reply.get("Location")) == (404, None)
    assert first.requests == second.requests == []


def test_without_the_module_the_chain_is_asked(cache: StartCache, origins: MakeOrigin) -> None:
    """An nginx that cannot replace text serves narinfos as they are."""
    second = origins({NARINFO: narinfo(), NAR: BODY})
    one = cache(origins(), second, start=False)
    one.nginx = replace(one.nginx, told=one.nginx.told.replace("--with-http_sub_module", ""))
    one.start()

    assert one.get(NARINFO).body == narinfo()
    assert one.get(NAR).body == BODY
