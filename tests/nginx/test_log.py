"""What nginx writes into the access log, as our parser reads it."""

import contextlib
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from passthru.stats.access_log import LogParser
from passthru.stats.batch import Batch
from passthru.stats.kind import CacheStatus, Kind, Outcome
from tests.nginx.cache import Cache
from tests.nginx.certificates import Authority
from tests.nginx.client import connect, request_bytes
from tests.nginx.conftest import MakeOrigin, StartCache
from tests.nginx.http2 import ask
from tests.nginx.origin import Fault, Origin
from tests.nginx.samples import HASH, NAR, NARINFO, narinfo, narinfo_path
from tests.nginx.stored import expire, wait_stored

HOSTILE = (
    *(
        b"/\xff\xfe",
        b"/%09%0a%0d",
        b"/a\tb",
        b"/a b",
        b"/a\x01",
        b"/\x7f",
        b"*",
        b"/?\t",
        b"/?\x0b",
    ),
    *(
        b"/nar/\t",
        b"/nar/a?b\tc",
        b"/\r2\t",
        b"/#\t",
        b"http://x\t/",
        b"/nar/%0A2%09",
        b"//",
        b"/\x80",
    ),
)


def counted(one: Cache, until: Callable[[Batch], bool] = lambda _: True) -> Batch:
    """Return what the log comes to, once it holds what is waited for (it is buffered)."""
    deadline = time.monotonic() + 5
    while True:
        batch = LogParser("abc", paths=True).parse(Path(one.site.logs, "access.log").read_bytes())
        assert batch.totals.unparsable_lines == 0, batch.sample
        if until(batch) or time.monotonic() > deadline:
            return batch
        time.sleep(0.05)


@pytest.mark.core
def test_every_upstream_asked_is_named(cache: StartCache, origins: MakeOrigin) -> None:
    """A path that the second has: one answer of each, and then a hit that asks nobody."""
    first, second = origins(), origins()
    second.files = {NARINFO: narinfo(), NAR: b"nar" * 1000, f"/{HASH}.ls": b"{}"}
    one = cache(first, second)
    for path in second.files:
        one.get(path)
    wait_stored(one, count=3)
    for path in second.files:
        one.get(path)

    totals = counted(one, lambda batch: batch.totals.lines == 6).totals
    kinds = (Kind.NARINFO, Kind.NAR, Kind.LS)
    assert totals.requests == {
        (kind, status): 1 for kind in kinds for status in (CacheStatus.MISS, CacheStatus.HIT)
    }
    assert totals.upstream_requests == {("a", Outcome.NOT_FOUND): 3, ("b", Outcome.OK): 3}
    assert totals.upstream_bytes == {"a": 0, "b": len(narinfo()) + 3000 + len(b"{}")}


@pytest.mark.core
def test_a_stored_no_is_no_contact(cache: StartCache, origins: MakeOrigin) -> None:
    """The first one's "no" comes out of the cache, and only the second one is asked."""
    first, second = origins(), origins()
    second.files = {NAR: b"nar"}
    second.fail(Fault("/nar", status=503, times=1))
    one = cache(first, second, cache={"missing_ttl": "1h"})
    assert one.get(NAR).status == 502
    assert one.get(NAR).status == 200

    totals = counted(one, lambda batch: batch.totals.lines == 2).totals
    assert totals.requests == {(Kind.NAR, CacheStatus.MISS): 2}
    assert totals.upstream_requests == {
        ("a", Outcome.NOT_FOUND): 1,
        ("b", Outcome.ERROR): 1,
        ("b", Outcome.OK): 1,
    }


@pytest.mark.core
def test_failures_are_told_apart(cache: StartCache, origins: MakeOrigin) -> None:
    """An error, silence and a refused connection are each counted for whose they are."""
    bad, silent, gone = origins(), origins(), origins()
    bad.fail(Fault("/nar", status=503))
    silent.fail(Fault("/nar", silent=True))
    gone.close()
    one = cache(bad, silent, gone)
    assert one.get(NAR).status in {502, 504}

    batch = counted(one, lambda batch: batch.totals.lines == 1)
    assert batch.totals.upstream_requests == {
        ("a", Outcome.ERROR): 1,
        ("b", Outcome.TIMEOUT): 1,
        ("c", Outcome.ERROR): 1,
    }
    errors = {name: error.text for name, error in batch.last_errors.items()}
    assert errors["a"] == "answered 503"
    assert errors["b"].startswith("no answer in 2.")
    assert errors["c"] == "no connection"


@pytest.mark.core
def test_redirects_are_of_the_upstream(cache: StartCache, origins: MakeOrigin) -> None:
    """Whomever an upstream redirects to, what is fetched there counts as its own."""
    first, elsewhere, second = origins(), origins(), origins()
    elsewhere.files = {"/blob": b"nar" * 1000}
    location = f"http://127.0.0.1:{elsewhere.port}/blob"
    first.fail(Fault("/nar", status=302, headers=(("Location", location),)))
    tables: list[dict[str, Any]] = [
        {"url": first.url, "name": "a", "redirect_hosts": ["127.0.0.1"]},
        {"url": second.url, "name": "b"},
    ]
    one = cache(*tables)
    assert one.get(NAR).status == 200

    totals = counted(one, lambda batch: batch.totals.lines == 1).totals
    assert totals.upstream_requests == {("a", Outcome.OK): 2}
    assert totals.upstream_bytes["a"] == 3000


@pytest.mark.core
def test_refreshes_are_counted(cache: StartCache, origins: MakeOrigin) -> None:
    """What is asked in the background is a contact of the upstream's, and no client's request."""
    first, second = origins(), origins()
    second.files = {NARINFO: narinfo()}
    one = cache(first, second, cache={"missing_ttl": "1h"})
    one.get(NARINFO)
    expire(one, "b/")
    one.get(NARINFO)
    counted(one, lambda batch: batch.totals.lines == 3)
    del second.files[NARINFO]
    expire(one, "b/")
    one.get(NARINFO)

    batch = counted(one, lambda batch: batch.totals.lines == 5)
    assert batch.totals.lines == 5
    assert batch.totals.requests == {
        (Kind.NARINFO, CacheStatus.MISS): 1,
        (Kind.NARINFO, CacheStatus.STALE): 2,
    }
    assert batch.totals.upstream_requests == {
        ("a", Outcome.NOT_FOUND): 1,
        ("b", Outcome.OK): 2,
        ("b", Outcome.NOT_FOUND): 1,
    }


@pytest.mark.core
def test_refused_requests_ask_nobody(cache: StartCache, origin: Origin) -> None:
    """What is none of ours is counted as such, by its status."""
    one = cache(origin)
    one.get("/wp-login.php")
    one.get("/nix-cache-info")
    with connect(one.address) as stream:
        stream.sendall(request_bytes(NARINFO, method="PUT"))
        stream.recv(100)

    batch = counted(one, lambda batch: batch.totals.lines == 3)
    assert batch.totals.responses == {
        (Kind.OTHER, "404"): 1,
        (Kind.CACHE_INFO, "200"): 1,
        (Kind.NARINFO, "405"): 1,
    }
    assert batch.totals.upstream_requests == {}
    assert [answer.kind for answer in batch.answers] == [Kind.CACHE_INFO]


@pytest.mark.core
def test_nobody_writes_a_line_of_their_own(cache: StartCache, origin: Origin) -> None:
    """Whatever stands in a target or a method, it is one line, and can be read."""
    origin.files = {NAR: b"nar"}
    one = cache(origin)
    for target in HOSTILE:
        send(one, request_bytes(target))
    for method in ("GE\tT", "get", "PUT", "\x0b", "G\x01"):
        send(one, request_bytes(NAR, method=method))
    send(one, b"GET /nar/a\n2\tb HTTP/1.1\r\nHost: cache.test\r\n\r\n")
    one.get(NAR)

    batch = counted(one, lambda batch: NAR in batch.paths)
    assert batch.paths.keys() == {NAR}
    assert batch.totals.lines == len(HOSTILE) + 7


def test_nobody_writes_a_line_of_their_own_over_http_2(
    cache: StartCache, origin: Origin, tmp_path: Path
) -> None:
    """Over HTTP/2, where a target is a header and may hold anything, neither."""
    authority = Authority(tmp_path)
    certificate, key = authority.issue("cache.test")
    tls = {"certificate": str(certificate), "certificate_key": str(key)}
    one = cache(origin, mode="tls", tls=tls)
    context = ssl.create_default_context(cafile=str(authority.file))
    hostile = (*HOSTILE, b"/nar/a\n2\tb", b"/\n", b"/?\n", b"/#\n", b"\n", b"a\nb")
    for target, method in [(one, b"GET") for one in hostile] + [(b"/", b"G\nT"), (b"/", b"G\tT")]:
        ask(
            ("127.0.0.1", one.tls_port),
            [
                (b":method", method),
                (b":scheme", b"https"),
                (b":path", target),
                (b":authority", b"cache.test"),
            ],
            context,
        )
    one.get(narinfo_path(1))
    one.stop()

    batch = counted(one)
    assert len(hostile) < batch.totals.lines <= len(hostile) + 3
    assert batch.totals.requests.keys() <= {
        (Kind.OTHER, CacheStatus.NONE),
        (Kind.NAR, CacheStatus.NONE),
        (Kind.NAR, CacheStatus.MISS),
        (Kind.NARINFO, CacheStatus.NONE),
        (Kind.NARINFO, CacheStatus.MISS),
    }


def send(one: Cache, data: bytes) -> None:
    """Send bytes, and wait until they are answered or refused."""
    with connect(one.address) as stream, contextlib.suppress(ConnectionError, TimeoutError):
        stream.sendall(data)
        while stream.recv(1 << 16):
            pass
