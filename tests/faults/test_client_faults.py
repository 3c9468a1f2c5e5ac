"""Clients that want too much or take too little, as the table promises it."""

import contextlib
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from tests.faults.machine import ROWS
from tests.nginx.cache import Cache
from tests.nginx.client import Reply, connect, fetch, read_reply, request_bytes
from tests.nginx.conftest import StartCache
from tests.nginx.origin import Fault, Origin
from tests.nginx.samples import NAR, NARINFO, narinfo, narinfo_path, noise
from tests.nginx.stored import wait_stored

TCP_CLOSED: Final = 7  # linux/tcp_states.h


def test_open_clients(cache: StartCache, origin: Origin) -> None:
    """2,000 clients that stay are served, again and again, and so is one that comes."""
    row = ROWS["open_clients"]
    origin.files = {NARINFO: narinfo(), NAR: noise(10_000)}
    one = cache(origin, workers="2", machine={"open_files": 20_000})
    one.get(NARINFO)
    wait_stored(one)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connect(one.address)) for _ in range(2000)]
        for client in clients:
            client.sendall(request_bytes(NARINFO, close=False))
        assert {read_reply(client).body for client in clients} == {narinfo()}

        new = one.get(NAR)
        assert (new.status, new.seconds < row.seconds) == (200, True)
        for client in clients[::50]:
            client.sendall(request_bytes(NARINFO, close=False))
            again = read_reply(client)
            assert (again.body, again.seconds < row.seconds) == (narinfo(), True)


def test_many_connections(cache: StartCache, origin: Origin) -> None:
    """500 connections for one NAR are one download, and another client does not notice."""
    row = ROWS["many_connections"]
    origin.files = {NARINFO: narinfo(), NAR: noise(30_000), narinfo_path(1): narinfo()}
    origin.fail(Fault(NAR, drip=30_000))
    one = cache(origin)
    one.get(NARINFO)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connect(one.address, timeout=20)) for _ in range(500)]
        for client in clients:
            client.sendall(request_bytes(NAR, close=False))
        others = [one.get(path) for path in (NARINFO, narinfo_path(1))]

        assert {reply.status for reply in others} == {200}
        assert max(reply.seconds for reply in others) < row.seconds
        assert {read_reply(client).body for client in clients} == {noise(30_000)}
    assert len(origin.seen(NAR)) == 1


def is_closed(stream: socket.socket) -> bool:
    """Whether the other side has reset the connection, whatever is still to be read."""
    return stream.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == TCP_CLOSED


def test_one_byte_a_second(cache: StartCache, origin: Origin) -> None:
    """It holds up neither the fill nor the others, and is hung up on after `send_timeout`."""
    row = ROWS["one_byte_a_second"]
    origin.files = {NAR: noise(20_000_000)}
    one = cache(origin, swaps={"send_timeout 60s;": "send_timeout 2s;"})
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.settimeout(5)
        slow.connect(("127.0.0.1", one.port))
        slow.sendall(request_bytes(NAR))
        wait_stored(one)
        hit = one.get(NAR)
        assert (hit.cache_status, hit.body == origin.files[NAR]) == ("HIT", True)
        deadline = time.monotonic() + 2 + row.seconds + 3
        while not is_closed(slow):
            assert time.monotonic() < deadline
            assert slow.recv(1)
            time.sleep(1)


def test_slow_loris(cache: StartCache, origin: Origin) -> None:
    """More half requests than nginx has connections are gone after `client_header_timeout`."""
    row = ROWS["slow_loris"]
    origin.files[NARINFO] = narinfo()
    one = cache(
        origin,
        machine={"open_files": 1024},
        swaps={"client_header_timeout 15s;": "client_header_timeout 2s;"},
    )
    one.get(NARINFO)
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(1) as pool:
        slow = [stack.enter_context(connect(one.address)) for _ in range(300)]
        start = time.monotonic()
        writing = pool.submit(drip, slow, start + 4)
        reply = get_until_served(one, start + 2 + row.seconds)
        assert (reply.status, reply.cache_status) == (200, "HIT")
        writing.result()
        assert all(hung_up(stream) for stream in slow)
    assert one.get(NARINFO).seconds < row.seconds


def drip(streams: list[socket.socket], until: float) -> None:
    """Send one more byte of a header on each stream five times a second."""
    for stream in streams:
        with contextlib.suppress(OSError):
            stream.sendall(b"GET /x.narinfo HTTP/1.1\r\nX-Slow: ")
    while time.monotonic() < until:
        for stream in streams:
            with contextlib.suppress(OSError):
                stream.send(b"a")
        time.sleep(0.2)


def get_until_served(one: Cache, deadline: float) -> Reply:
    """Try until a connection is to be had."""
    while True:
        with contextlib.suppress(OSError, ValueError):
            return fetch(one.address, NARINFO, timeout=1)
        assert time.monotonic() < deadline, "shut out for longer than the header may take"
        time.sleep(0.1)


def hung_up(stream: socket.socket) -> bool:
    """Whether the other side has ended the connection without an answer."""
    stream.settimeout(1)
    try:
        return stream.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True
