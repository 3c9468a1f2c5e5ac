"""The socket at which nginx asks: what else may come there."""

import contextlib
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.fills.conftest import StartBeside
from tests.fills.sidecar import Sidecar, ask, await_fill
from tests.nginx.client import Address, exchange, fetch
from tests.nginx.conftest import StartCache
from tests.nginx.origin import Fault, Origin
from tests.nginx.samples import NAR, noise

BODY = noise(1_200_000)
GARBAGE = (
    b"\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"\0" * 100 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\nX-Passthru-Path: ../../etc/passwd\r\nX-Passthru-Names: a\r\n\r\n",
    b"x" * 40_000,
)


def test_garbage_is_refused(cache: StartCache, beside: StartBeside, origin: Origin) -> None:
    """What is no question of nginx's is answered 500 or not at all, and harms nobody."""
    origin.files[NAR] = BODY
    origin.fail(Fault(drip=400_000))
    one = cache(origin)
    beside(one)
    answers = [exchange(one.site.fills, garbage) for garbage in GARBAGE]
    assert {answer[:12] for answer in answers} == {b"HTTP/1.1 500"}
    with ThreadPoolExecutor(1) as pool:
        leader = pool.submit(ask, one)
        await_fill(one)
        assert ask(one).body == leader.result().body == BODY


def test_who_says_nothing_is_left(cache: StartCache, beside: StartBeside, origin: Origin) -> None:
    """Two hundred connections that never ask keep no follower waiting."""
    origin.files[NAR] = BODY
    origin.fail(Fault(drip=400_000))
    one = cache(origin)
    beside(one)
    with contextlib.ExitStack() as stack:
        for _ in range(200):
            silent = stack.enter_context(socket.socket(socket.AF_UNIX))
            silent.connect(one.site.fills)
        with ThreadPoolExecutor(1) as pool:
            leader = pool.submit(ask, one)
            await_fill(one)
            follower = ask(one)
            assert (follower.body, follower.first_byte < 1) == (leader.result().body, True)


def test_garbage_beside_a_download(cache: StartCache, beside: StartBeside, origin: Origin) -> None:
    """Files that only look like a download are passed over, and the real one is read along."""
    origin.files[NAR] = BODY
    origin.fail(Fault(drip=400_000))
    one = cache(origin)
    beside(one)
    with ThreadPoolExecutor(1) as pool:
        leader = pool.submit(ask, one)
        real = await_fill(one)
        name = real.name.partition(".")[0]
        with real.with_name(f"{name}.9999999999").open("wb") as garbage:
            garbage.write(b"garbage" * 100_000)
            garbage.flush()
            follower = ask(one)
        assert (follower.body, follower.first_byte < 1) == (BODY, True)
        assert leader.result().body == BODY


def is_led(address: Address, path: str) -> int:
    """Ask as `passthru fills` does, and return the status."""
    return fetch(address, "/-/led", headers=[("X-Passthru-Led", path)]).status


def test_only_nginxs_socket_tells_who_leads(
    cache: StartCache, beside: StartBeside, origin: Origin
) -> None:
    """Whether a download runs is told to `passthru fills`, and to no client of the network."""
    origin.files[NAR] = BODY
    origin.fail(Fault(drip=400_000))
    one = cache(origin)
    beside(one)
    with ThreadPoolExecutor(1) as pool:
        leader = pool.submit(ask, one)
        await_fill(one)
        told = [is_led(one.site.socket, path) for path in (NAR, "/nar/other")]
        network = is_led(one.address, NAR)
        leader.result()

    assert (told, network) == ([463, 204], 404)
    time.sleep(0.1)
    assert is_led(one.site.socket, NAR) == 204


def test_a_second_one_takes_over(cache: StartCache, beside: StartBeside, origin: Origin) -> None:
    """One that is started beside another gets what comes from then on, and keeps its socket."""
    origin.files[NAR] = BODY
    origin.fail(Fault(drip=400_000))
    one = cache(origin)
    with Sidecar(one):
        inode = Path(one.site.fills).stat().st_ino
        second = beside(one)
        deadline = time.monotonic() + 5
        while Path(one.site.fills).stat().st_ino == inode:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    assert second.process.poll() is None
    with ThreadPoolExecutor(1) as pool:
        leader = pool.submit(ask, one)
        await_fill(one)
        assert ask(one).first_byte < 1
        assert leader.result().body == BODY
