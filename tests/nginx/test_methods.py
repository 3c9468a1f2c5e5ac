"""GET and HEAD, and nothing else."""

import pytest

from tests.nginx.cache import PLAIN, plain
from tests.nginx.client import connect, exchange, fetch, read_reply, request_bytes
from tests.nginx.conftest import StartCache
from tests.nginx.origin import Origin
from tests.nginx.samples import NAR, NARINFO, narinfo

PLACES = (NARINFO, NAR, "/", "/nix-cache-info", "/health", "/nowhere", "/nar/../x")
METHODS = (
    *("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "MKCOL", "COPY", "MOVE"),
    *("LOCK", "UNLOCK", "PURGE", "BREW"),
)


@pytest.mark.core
def test_other_methods_are_refused_everywhere(cache: StartCache, origin: Origin) -> None:
    """Every other method gets a 405 with `Allow` and one line, whatever the path."""
    one = cache(origin)

    for method in METHODS:
        for place in PLACES:
            reply = fetch(one.address, place, method=method)
            assert (reply.status, reply.get("Allow")) == (405, "GET, HEAD"), (method, place)
            assert "GET" in reply.line
    assert origin.requests == []


def test_connect_is_refused(cache: StartCache, origin: Origin) -> None:
    """A CONNECT, which would make a proxy of us, gets a 4xx and no tunnel."""
    one = cache(origin)
    target = f"127.0.0.1:{origin.port}"

    answers = [
        exchange(one.address, request_bytes(place, method="CONNECT") + b"GET /x HTTP/1.1\r\n\r\n")
        for place in (target, "/", NARINFO)
    ]

    assert {answer.split(b" ")[1] for answer in answers} <= {b"400", b"405"}
    assert all(b"<html" not in answer for answer in answers)
    assert origin.connections == 0


def test_a_large_upload_is_refused_before_it_is_sent(cache: StartCache, origin: Origin) -> None:
    """`Expect: 100-continue` is answered by the 405 itself, without a byte of the body."""
    one = cache(origin)
    headers = [("Content-Length", "10485760"), ("Expect", "100-continue")]

    with connect(one.address, timeout=3) as stream:
        stream.sendall(request_bytes(NAR, method="PUT", headers=headers, close=False))
        reply = read_reply(stream, "PUT")

    assert reply.status == 405
    assert "read" in reply.line or "GET" in reply.line
    assert origin.requests == []


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_large_upload_that_is_sent_anyway_is_refused(
    framing: str, cache: StartCache, origin: Origin
) -> None:
    """A client that sends all its 10 MB still reads the 405 and its line."""
    one = cache(origin)
    body = bytes(10 << 20)
    if framing == "chunked":
        headers = [("Transfer-Encoding", "chunked")]
        body = b"a00000\r\n" + body + b"\r\n0\r\n\r\n"
    else:
        headers = [("Content-Length", str(len(body)))]

    reply = fetch(one.address, NAR, method="PUT", headers=headers, body=body)

    assert (reply.status, reply.get("Allow")) == (405, "GET, HEAD")
    assert reply.line
    assert origin.requests == []


def test_a_refusal_keeps_the_connection(cache: StartCache, origin: Origin) -> None:
    """A client whose question was refused can ask the next one on the same connection."""
    origin.files[NARINFO] = narinfo()
    one = cache(origin)

    replies = one.get_all(["/nowhere", NAR, "/nar/../x", "/health", NARINFO, NARINFO])

    assert [reply.status for reply in replies] == [404, 404, 404, 200, 200, 200]
    assert [reply.get("Connection") for reply in replies] == ["keep-alive"] * 6


def test_a_request_without_a_good_host_is_refused(cache: StartCache, origin: Origin) -> None:
    """HTTP/1.1 without a Host, with two, or with one that is no name, gets a 400 and one line."""
    origin.files[NARINFO] = narinfo()
    one = cache(origin)

    for lines in (b"", b"Host: a b\r\n", b"Host: a\r\nHost: b\r\n", b"Host: ../x\r\n"):
        head = b"GET %s HTTP/1.1\r\n%sConnection: close\r\n\r\n" % (NARINFO.encode(), lines)
        answer = exchange(one.address, head)
        assert answer.startswith(b"HTTP/1.1 400 "), lines
        assert b"<html" not in answer
    assert origin.requests == []


def test_head_has_the_headers_of_get(cache: StartCache, origin: Origin) -> None:
    """HEAD answers as GET does, without the body, on every kind of path, cold and warm."""
    origin.files = {NARINFO: narinfo(), NAR: b"n" * 5000}
    one = cache(plain(origin), machine=PLAIN)
    names = ("Content-Type", "Content-Length", "X-Cache-Upstream")

    for target in (NARINFO, NAR, "/", "/nix-cache-info", "/health", "/nowhere"):
        cold = one.head(target)
        got = one.get(target)
        warm = one.head(target)

        assert cold.body == warm.body == b"", target
        assert cold.status == warm.status == got.status, target
        for name in names:
            assert cold.get(name) == warm.get(name) == got.get(name), (target, name)
        assert got.get("Content-Length") == str(len(got.body)), target
