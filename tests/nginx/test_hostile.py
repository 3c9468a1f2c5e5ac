"""Clients that mean harm, or are merely slow, while others want their NARs."""

import contextlib
import socket
import threading
import time

import pytest

from tests.nginx.cache import Cache
from tests.nginx.client import connect, request_bytes
from tests.nginx.conftest import StartCache
from tests.nginx.origin import Fault, Origin
from tests.nginx.samples import NAR, NARINFO, narinfo, narinfo_path, noise

CROWD = 300


def _still_serves(one: Cache, origin: Origin, *, within: float = 1) -> None:
    start = time.monotonic()
    for number in range(20):
        origin.files[narinfo_path(number)] = narinfo()
        assert one.get(narinfo_path(number)).status == 200
        assert one.get(NARINFO).cache_status == "HIT"
    assert time.monotonic() - start < within


@pytest.fixture
def busy(cache: StartCache, origin: Origin) -> Cache:
    """Return a cache that has something, with all its workers."""
    origin.files |= {NARINFO: narinfo(), NAR: noise(4_000_000)}
    one = cache(origin)
    one.get(NARINFO)
    one.get(NAR)
    return one


def test_idle_connections_keep_nobody_out(busy: Cache, origin: Origin) -> None:
    """Three hundred open connections that say nothing do not matter to others."""
    with contextlib.ExitStack() as stack:
        for _ in range(CROWD):
            stack.enter_context(connect(busy.address))
        _still_serves(busy, origin)


def test_slow_headers_keep_nobody_out(busy: Cache, origin: Origin) -> None:
    """Three hundred clients that send a header a byte at a time do not matter to others."""
    with contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(connect(busy.address)) for _ in range(CROWD)]
        for piece in (b"G", b"ET /", b"nar/a HTTP/1.1\r\nX", b"-A: b\r\nX-B"):
            for stream in crowd:
                stream.sendall(piece)
        _still_serves(busy, origin)


def test_slow_readers_keep_nobody_out(busy: Cache, origin: Origin) -> None:
    """Fifty clients that read a large NAR a byte at a time do not matter to others."""
    with contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(connect(busy.address)) for _ in range(50)]
        for stream in crowd:
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stream.sendall(request_bytes(NAR))
            assert stream.recv(1)
        _still_serves(busy, origin)


def test_a_slow_upstream_keeps_nobody_out(busy: Cache, origin: Origin) -> None:
    """A hundred requests that an upstream leaves unanswered do not matter to others."""
    origin.fail(Fault("/nar/silent", silent=True))
    with contextlib.ExitStack() as stack:
        for number in range(100):
            stream = stack.enter_context(connect(busy.address))
            stream.sendall(request_bytes(f"/nar/silent{number}"))
        origin.wait_for("/nar/silent", 100)
        _still_serves(busy, origin)


def test_a_flood_of_nonsense_keeps_nobody_out(busy: Cache, origin: Origin) -> None:
    """Thousands of refused requests are nothing that others notice, nor the upstream."""
    over = threading.Event()

    def flood() -> None:
        with connect(busy.address) as stream:
            while not over.is_set():
                stream.sendall(request_bytes("/wp-login.php", close=False) * 50)
                stream.recv(1 << 20)

    origin.forget()
    thread = threading.Thread(target=flood)
    thread.start()
    try:
        _still_serves(busy, origin, within=5)  # the flood takes the test's own time, too
    finally:
        over.set()
        thread.join()
    assert origin.seen("wp-login") == []


def test_many_headers_are_refused(busy: Cache, origin: Origin) -> None:
    """A request with far too many bytes of header gets a 4xx, or its connection is closed."""
    origin.forget()
    for count, size in ((10_000, 10), (10, 20_000), (1, 100_000)):
        headers = [(f"X-{number}", "a" * size) for number in range(count)]
        with connect(busy.address) as stream:
            with contextlib.suppress(ConnectionError):
                stream.sendall(request_bytes(NARINFO, headers=headers))
            with contextlib.suppress(ConnectionError):
                answer = stream.recv(100)
                assert answer == b"" or answer.split(b" ")[1] in {b"400", b"431", b"494"}
    assert origin.requests == []
    _still_serves(busy, origin)
