"""What passes between clients and upstreams besides the bytes: as little as possible."""

import gzip

import pytest

from tests.nginx.cache import PLAIN, plain
from tests.nginx.conftest import StartCache
from tests.nginx.origin import Fault, File, Origin
from tests.nginx.samples import DRV, HASH, NAR, NARINFO, narinfo, narinfo_path, noise

FROM_US = {"host", "connection", "user-agent", "cdn-loop", "range", "accept-encoding", "via"}
"""The headers that an upstream may get on a first request."""

HOSTILE = (
    ("Authorization", "Basic c2VjcmV0OnNlY3JldA=="),
    ("Proxy-Authorization", "Basic c2VjcmV0OnNlY3JldA=="),
    ("Cookie", "session=secret"),
    ("Accept-Encoding", "zstd, br, gzip, deflate, bzip2, xz"),
    ("Accept", "text/secret"),
    ("Accept-Language", "tlh"),
    ("If-None-Match", '"secret"'),
    ("If-Modified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"),
    ("If-Match", '"secret"'),
    ("If-Range", '"secret"'),
    ("X-Forwarded-For", "203.0.113.7"),
    ("X-Forwarded-Host", "evil.test"),
    ("X-Forwarded-Proto", "https"),
    ("Forwarded", "for=203.0.113.7"),
    ("X-Real-IP", "203.0.113.7"),
    ("X-Original-URL", "/admin"),
    ("X-Rewrite-URL", "/admin"),
    ("X-HTTP-Method-Override", "PUT"),
    ("Referer", "http://secret.test/"),
    ("Origin", "http://secret.test"),
    ("User-Agent", "curl/8.0 Nix/2.99 secret"),
    ("Upgrade", "h2c"),
    ("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA"),
    ("TE", "trailers"),
    ("X-Secret", "secret"),
    ("X_Secret", "secret"),
    ("Cache-Control", "no-cache"),
    ("Pragma", "no-cache"),
    ("Max-Forwards", "0"),
)


@pytest.mark.core
@pytest.mark.parametrize("path", [NARINFO, NAR, f"/log/{DRV}"])
def test_no_header_of_a_client_reaches_an_upstream(
    path: str, cache: StartCache, origin: Origin
) -> None:
    """An upstream learns nothing of a client, and gets the Host that is in the spec."""
    origin.files[path] = narinfo()
    one = cache(origin)

    reply = one.get(path, headers=HOSTILE)

    (request,) = origin.requests
    assert set(request.headers) <= FROM_US
    assert "secret" not in str(request.headers)
    assert request.headers["host"] == f"127.0.0.1:{origin.port}"
    assert request.headers.get("accept-encoding", "identity") == "identity"
    assert request.headers.get("connection", "keep-alive") == "keep-alive"
    assert request.version == "HTTP/1.1"
    assert reply.status in (200, 412)


def test_a_client_cannot_pass_by_the_cache(cache: StartCache, origin: Origin) -> None:
    """`Cache-Control: no-cache`, cookies and credentials of a client do not make a hit a miss."""
    origin.files[NARINFO] = narinfo()
    one = cache(origin)
    one.get(NARINFO)
    headers = [pair for pair in HOSTILE if not pair[0].startswith("If-")]

    reply = one.get(NARINFO, headers=headers)

    assert (reply.status, reply.cache_status, reply.body) == (200, "HIT", narinfo())
    assert len(origin.requests) == 1


@pytest.mark.parametrize("name", ["X-Cache-Status", "Content-Length", "Host", "Date", "Range"])
def test_connection_tricks_remove_nothing(name: str, cache: StartCache, origin: Origin) -> None:
    """Naming a header in `Connection` takes away neither what we send nor what we answer."""
    origin.files[NARINFO] = narinfo()
    one = cache(origin)

    reply = one.get(NARINFO, headers=[("Connection", f"close, {name}")])

    assert (reply.status, reply.body, reply.cache_status) == (200, narinfo(), "MISS")
    assert "host" in origin.requests[0].headers


def test_a_body_of_a_get_is_not_passed_on(cache: StartCache, origin: Origin) -> None:
    """What a client sends with a GET stays here."""
    origin.files[NARINFO] = narinfo()
    one = cache(origin)

    one.get(NARINFO, headers=[("Content-Length", "0"), ("Content-Type", "text/evil")])

    (request,) = origin.requests
    assert request.body == 0
    assert not {"content-length", "content-type"} & set(request.headers)


@pytest.mark.core
@pytest.mark.parametrize("coding", ["zstd", "br", "gzip", "xz"])
def test_a_fixed_content_encoding_survives(coding: str, cache: StartCache, origin: Origin) -> None:
    """Objects stored encoded pass with their bytes and their header, whatever the client accepts."""
    body = gzip.compress(b'{"version":1}' * 50, mtime=0) if coding == "gzip" else noise(700)
    held = File(body, headers=(("Content-Encoding", coding),))
    origin.files = dict.fromkeys((f"/{HASH}.ls", f"/log/{DRV}", NAR), held)
    one = cache(origin)

    for path in origin.files:
        for accept in ("", "identity", "br, gzip, zstd"):
            reply = one.get(path, headers=[("Accept-Encoding", accept)] if accept else [])
            assert (reply.body, reply.get("Content-Encoding")) == (body, coding), path
            assert reply.get("Content-Length") == str(len(body)), path
        assert reply.cache_status == "HIT"
        assert one.head(path).get("Content-Encoding") == coding, path


def test_nothing_is_encoded_on_the_way(cache: StartCache, origin: Origin) -> None:
    """We compress nothing that is proxied: lengths and validators stay the upstream's."""
    body = b"compressible " * 500
    origin.files = {NARINFO: body, NAR: body, f"/{HASH}.ls": body, f"/log/{DRV}": body}
    one = cache(plain(origin), machine=PLAIN)

    for path in origin.files:
        for _ in range(2):
            reply = one.get(path, headers=[("Accept-Encoding", "gzip, br, zstd")])
            assert (reply.body, reply.get("Content-Encoding")) == (body, None), path
            assert reply.get("Content-Length") == str(len(body)), path


@pytest.mark.core
def test_no_header_stands_twice(cache: StartCache, origin: Origin) -> None:
    """An upstream that is a passthru itself, or sends odd headers, doubles none of ours."""
    foreign = (
        ("X-Cache-Status", "HIT"),
        ("X-Cache-Upstream", "evil"),
        ("X-Cache-Upstream", "eviler"),
        ("Server", "origin"),
        ("Allow", "GET"),
        ("X-Content-Type-Options", "sniff"),
        ("Content-Type", "text/evil"),
        ("Cache-Control", "private"),
        ("CDN-Loop", "passthru-0123abcd"),
    )
    origin.files = {path: File(narinfo(), foreign) for path in (NARINFO, NAR, f"/{HASH}.ls")}
    origin.fail(Fault(narinfo_path(1), status=404, headers=foreign))
    origin.fail(Fault(narinfo_path(2), status=503, headers=foreign))
    one = cache(origin)

    for path in (*origin.files, narinfo_path(1), narinfo_path(2), "/", "/health", "/nowhere"):
        for _ in range(2):
            reply = one.get(path)
            names = [name.lower() for name, _ in reply.headers]
            assert sorted(names) == sorted(set(names)), (path, reply.headers)
            assert "evil" not in str(reply.headers), path
            assert reply.upstream in ("a", None)


def test_a_version_of_nginx_is_not_told(cache: StartCache, origin: Origin) -> None:
    """The Server header, where there is one, does not say which nginx this is."""
    one = cache(origin)

    for path in ("/", "/health", NARINFO, "/nowhere"):
        assert one.nginx.version not in str(one.get(path).headers)


def test_a_client_that_has_it_is_told_so(cache: StartCache, origin: Origin) -> None:
    """Validators pass through, and a hit answers 304 to a client that shows one."""
    origin.files[NARINFO] = File(narinfo())
    one = cache(plain(origin), machine=PLAIN)

    cold = one.get(NARINFO)
    again = one.get(NARINFO, headers=[("If-None-Match", File(narinfo()).etag)])

    assert cold.get("ETag") == File(narinfo()).etag
    assert cold.get("Last-Modified") == File(narinfo()).last_modified
    assert (again.status, again.body) == (304, b"")
