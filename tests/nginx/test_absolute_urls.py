"""NARs whose narinfo names another host: they come through the cache, from where it allows."""

from pathlib import Path

import pytest

from passthru.cache.nar_url import handed_out
from tests.nginx.cache import upstream
from tests.nginx.certificates import Authority
from tests.nginx.client import at_once
from tests.nginx.conftest import MakeOrigin, StartCache
from tests.nginx.fault import Fault
from tests.nginx.origin import Origin
from tests.nginx.samples import NARINFO, narinfo, narinfo_path, noise
from tests.nginx.test_nar_urls import url_of

BODY = noise(300_000)
BLOB = "/blobs/ab/x.nar.zst?sig=0f%2Fa&e=1"
STORE = "127.0.0.2"
REFUSAL = (404, "not a path of a Nix binary cache")

URLS = ("nar/x.nar?y", "nar/~b/x", "https://h/x?y", "HTTP://h/x", "other/x", "nar/~lan/ab/x", "nar")

REFUSED = (
    "http/{store}/x",
    "https/127.0.0.1/x",
    "http/127.0.0.1.evil.example/x",
    "http/evil.example/http/127.0.0.1:{port}/x",
    "http/[::1]:{port}/x",
    "http/[::1]/x",
    "http/0/x",
    "http/localhost:{port}/x",
    "http/127.1:{port}/x",
)

HOSTILE = (
    "/nar/~/http/{own}/x",
    "/nar/%7Eb/~/http/{own}/x",
    "/nar/~b/%7e/http/{own}/x",
    "/nar/%7eb/x",
    "/nar/~b/~",
    "/nar/~b/~/",
    "/nar/~b/~/x",
    "/nar/~b/~/http",
    "/nar/~b/~/http/",
    "/nar/~b/~/http/{own}",
    "/nar/~b/~/http/{own}/",
    "/nar/~b/~/http/{own}//x",
    "/nar/~b/~/http//x",
    "/nar/~b/~/http/{own}/../x",
    "/nar/~b/~/http/{own}/%2e%2e/x",
    "/nar/~b/~/http/{own}/a%2fx",
    "/nar/~b/~/http/u@{own}/x",
    "/nar/~b/~/http/{own}@evil.example/x",
    "/nar/~",
    "/nar/~?x",
    "/nar/~b/~?x",
    "/nar/~b/~/http/{own}%01/x",
    "/nar/~b/~/http/{own}?/x",
    "/nar/~b/~/HTTP/{own}/x",
    "/nar/~b/~/ftp/{own}/x",
    "/nar/~b/~/http:/{own}/x",
    "/nar/~B/~/http/{own}/x",
    "/nar/~b/~/http/{own}:999999/x",
)


@pytest.fixture
def store(origins: MakeOrigin) -> Origin:
    """Return another host than the upstreams', which has a NAR."""
    return origins({BLOB: BODY}, host=STORE)


@pytest.mark.core
@pytest.mark.parametrize("place", [0, 1], ids=["first", "second"])
def test_it_comes_through_the_cache(
    place: int, cache: StartCache, origins: MakeOrigin, store: Origin
) -> None:
    """At the first try, of that host alone; the second time nobody is asked, whoever is gone."""
    front, other = origins({NARINFO: narinfo(url=f"{store.url}{BLOB}")}), origins()
    tables = [upstream(front, "b", redirect_hosts=[STORE]), upstream(other, "o")]
    one = cache(*(tables if place == 0 else reversed(tables)))
    told = one.get(NARINFO).body
    target = url_of(told)
    asked = len(front.requests), len(other.requests)

    first = one.get(target)
    for origin in (front, other, store):
        origin.stop()
    again, head = one.get(target), one.head(target)
    part = one.get(target, headers=[("Range", "bytes=299990-")])

    assert target == f"/nar/~b/~/http/{STORE}:{store.port}{BLOB}"
    assert told.replace(url_of(told)[1:].encode(), f"{store.url}{BLOB}".encode()) == narinfo(
        url=f"{store.url}{BLOB}"
    )
    assert (first.status, first.body, first.cache_status, first.upstream) == (
        200,
        BODY,
        "MISS",
        "b",
    )
    assert (again.body, again.cache_status) == (BODY, "HIT")
    assert (head.status, head.get("Content-Length")) == (200, str(len(BODY)))
    assert (part.status, part.body) == (206, BODY[299_990:])
    assert [r.path for r in store.requests] == [BLOB]
    assert store.requests[0].headers["host"] == f"{STORE}:{store.port}"
    assert (len(front.requests), len(other.requests)) == asked


def test_it_stays_valid_when_the_order_changes(
    cache: StartCache, origins: MakeOrigin, store: Origin
) -> None:
    """What clients remember for a month is a HIT in any order."""
    front, other = origins({NARINFO: narinfo(url=f"{store.url}{BLOB}")}), origins()
    tables = [upstream(front, "b", redirect_hosts=[STORE]), upstream(other, "o")]
    one = cache(*tables)
    target = url_of(one.get(NARINFO).body)
    one.get(target)

    one.apply({"upstreams": tables[::-1]})

    assert (one.get(target).cache_status, url_of(one.get(NARINFO).body)) == ("HIT", target)
    assert len(store.requests) == 1


def test_its_own_host_needs_no_name_and_has_the_credentials(
    cache: StartCache, origins: MakeOrigin, store: Origin
) -> None:
    """An absolute URL of the upstream itself goes by its own block; strangers hear no password."""
    front = origins({"/own/x.nar": BODY})
    front.files[NARINFO] = narinfo(url=f"{front.url}/own/x.nar")
    table = upstream(front, "a", redirect_hosts=[STORE], credentials_file="/k")
    one = cache(table, machine={"credentials": {"/k": "Bearer S3CRET"}})
    own = one.get(url_of(one.get(NARINFO).body))
    other = one.get(f"/nar/~a/~/http/{STORE}:{store.port}{BLOB}")

    assert (own.body, other.body) == (BODY, BODY)
    assert front.seen("/own/")[0].headers["authorization"] == "Bearer S3CRET"
    assert "authorization" not in store.requests[0].headers


@pytest.mark.core
def test_nobody_else_is_asked(cache: StartCache, origins: MakeOrigin, store: Origin) -> None:
    """A host that the spec does not name is a 502 in one line that names it: for b, whatever a may."""
    front, other = origins(), origins({"/x": BODY})
    store.files["/x"] = BODY
    one = cache(upstream(other, "a", redirect_hosts=[STORE]), upstream(front, "b"))
    host = f"{STORE}:{store.port}"

    replies = [one.get(f"/nar/~b/~/{p.format(store=host, port=other.port)}") for p in REFUSED]

    assert [(reply.status, "redirect_hosts" in reply.line) for reply in replies] == [
        (502, True)
    ] * len(REFUSED)
    assert host in replies[0].line
    assert front.requests == other.requests == store.requests == []


def test_hostile_paths(cache: StartCache, origin: Origin) -> None:
    """What is not canonical is a 404, and nobody hears of it."""
    origin.files["/x"] = BODY
    one = cache(upstream(origin, "b"))
    own = f"127.0.0.1:{origin.port}"

    found = {path: one.get(path.format(own=own)) for path in HOSTILE}

    assert [path for path, reply in found.items() if (reply.status, reply.line) != REFUSAL] == []
    assert origin.requests == []


def test_a_redirect_from_there(cache: StartCache, origins: MakeOrigin, store: Origin) -> None:
    """It may send us on, three times, to hosts that are named; the fourth is one too many."""
    front = origins()
    names = ["/0", "/1", "/2", "/3"]
    for here, there in zip(names, [*names[1:], BLOB], strict=True):
        store.fail(Fault(f"^{here}$", status=302, headers=(("Location", f"{store.url}{there}"),)))
    store.fail(Fault("^/out$", status=302, headers=(("Location", "http://evil.example/x"),)))
    one = cache(upstream(front, "b", redirect_hosts=[STORE]))
    base = f"/nar/~b/~/http/{STORE}:{store.port}"

    assert [one.get(f"{base}/{path}").status for path in ("0", "1", "out")] == [502, 200, 502]
    assert one.get(f"{base}/1").cache_status == "HIT"


def test_a_no_and_a_failure(cache: StartCache, origins: MakeOrigin, store: Origin) -> None:
    """A 404 there is a miss, a 503 is none, and one that is down is none either."""
    store.fail(Fault("/bad", status=503))
    one = cache(upstream(origins(), "b", redirect_hosts=[STORE]))
    base = f"/nar/~b/~/http/{STORE}:{store.port}"
    found = [one.get(f"{base}/{path}").status for path in ("none", "bad")]
    store.stop()

    assert [*found, one.get(f"{base}/down").status] == [404, 502, 502]


def test_many_clients_one_download(cache: StartCache, origins: MakeOrigin, store: Origin) -> None:
    """The lock is of the path that clients ask for."""
    store.fail(Fault(delay=0.2))
    one = cache(upstream(origins(), "b", redirect_hosts=[STORE]))
    target = f"/nar/~b/~/http/{STORE}:{store.port}{BLOB}"

    assert {reply.body == BODY for reply in at_once(10, lambda: one.get(target))} == {True}
    assert len(store.requests) == 1


def test_from_tls_only_to_tls(
    cache: StartCache, origins: MakeOrigin, store: Origin, tmp_path: Path
) -> None:
    """The narinfo of an upstream over TLS cannot lead to a host without."""
    authority = Authority(tmp_path)
    front = origins(
        {NARINFO: narinfo(url=f"{store.url}{BLOB}")}, tls=authority.context("localhost")
    )
    one = cache(
        upstream(
            front.url.replace("127.0.0.1", "localhost"),
            "a",
            redirect_hosts=[STORE],
            ca_file=str(authority.file),
        ),
        machine={"addresses": {"localhost": ("127.0.0.1",)}},
    )
    reply = one.get(url_of(one.get(NARINFO).body))

    assert (reply.status, store.requests) == (502, [])
    assert STORE in reply.line


@pytest.mark.core
def test_a_passthru_before_another(cache: StartCache, origins: MakeOrigin, store: Origin) -> None:
    """Both have an upstream of the same name, and each NAR comes by the way of its narinfo."""
    third = f"/{'2' * 32}.narinfo"
    near, far = origins({NARINFO: narinfo(url="nar/n.nar"), "/nar/n.nar": b"near"}), origins()
    far.files = {third: narinfo(url="nar/f.nar"), "/nar/f.nar": b"far"}
    deep = origins({f"/{'3' * 32}.narinfo": narinfo(url=f"{store.url}{BLOB}")})
    below = cache(origins(), upstream(far, "b"), upstream(deep, "c", redirect_hosts=[STORE]))
    above = cache(upstream(below.url, "a"), upstream(near, "b"), machine={"instance": "9876fedc"})
    paths = (NARINFO, third, f"/{'3' * 32}.narinfo")

    urls = [url_of(above.get(path).body) for path in paths]

    assert urls[:2] == ["/nar/~b/n.nar", "/nar/~a/~b/f.nar"]
    assert [above.get(url).body for url in urls] == [b"near", b"far", BODY]
    assert above.get(urls[1]).upstream == "a"


def test_what_python_says_of_it(cache: StartCache, origins: MakeOrigin) -> None:
    """`explain`, `purge` and the figures find a NAR under the URL that nginx hands out."""
    paths = [narinfo_path(number) for number in range(len(URLS))]
    first = origins({path: narinfo(url=url) for path, url in zip(paths, URLS, strict=True)})
    second = origins({f"/z{path[2:]}": body for path, body in first.files.items()})
    one = cache(first, second)

    told = [url_of(one.get(path).body)[1:] for path in [*first.files, *second.files]]

    assert told == [
        handed_out(url, name, first=name == "a", plain=False) for name in "ab" for url in URLS
    ]


def test_a_plain_one() -> None:
    """cache.nixos.org is passed on byte for byte while it is first, and nothing absolute is its."""
    told = [
        [handed_out(url, "n", first=first, plain=True) for url in URLS] for first in (True, False)
    ]

    assert told[0] == list(URLS)
    assert [url for url, was in zip(told[1], URLS, strict=True) if url != was] == [
        url.replace("nar/", "nar/~n/") for url in URLS if url.startswith("nar/")
    ]
