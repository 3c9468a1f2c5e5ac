"""Downloads, leaders, workers and `passthru fills` itself that end in the middle."""

import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from passthru.nginx.master import serving_workers
from tests.fills.conftest import StartBeside
from tests.fills.sidecar import ask, await_fill, partial_files
from tests.nginx.cache import Cache
from tests.nginx.client import at_once, connect, read_reply, request_bytes
from tests.nginx.conftest import StartCache
from tests.nginx.origin import Fault, Framing, Origin
from tests.nginx.samples import NAR, noise
from tests.nginx.stored import entries, wait_stored

BODY = noise(1_200_000)
SLOW = 400_000
CUT = 800_000


def await_body(stream: socket.socket) -> None:
    """Return once something of an answer's body has come; nothing is taken away."""
    deadline = time.monotonic() + 10
    while not stream.recv(65536, socket.MSG_PEEK).partition(b"\r\n\r\n")[2]:
        assert time.monotonic() < deadline, "no body"
        time.sleep(0.01)


@pytest.mark.core
@pytest.mark.parametrize(
    "fault",
    [
        Fault(drip=SLOW, cut=CUT, times=1),
        Fault(drip=SLOW, reset=CUT, times=1),
        Fault(drip=SLOW, stall=CUT, times=1),
        Fault(drip=SLOW, cut=CUT, framing=Framing.CHUNKED, times=1),
    ],
    ids=["cut", "reset", "stall", "chunks"],
)
def test_a_cut_download_cuts_its_followers(
    fault: Fault, cache: StartCache, beside: StartBeside, origin: Origin
) -> None:
    """They get what came and no other byte, see that it is not all, and may ask again."""
    origin.files[NAR] = BODY
    origin.fail(fault)
    one = cache(origin)
    beside(one)
    with ThreadPoolExecutor(3) as pool:
        leader = pool.submit(ask, one)
        await_fill(one)
        followers = [pool.submit(ask, one) for _ in range(2)]
        replies = [future.result() for future in (leader, *followers)]

    assert [reply.whole for reply in replies] == [False] * 3
    assert all(BODY.startswith(reply.body) and len(reply.body) <= CUT for reply in replies)
    if fault.framing is Framing.LENGTH:
        assert min(len(reply.body) for reply in replies) > CUT // 2
    assert (entries(one), partial_files(one), len(origin.requests)) == ([], [], 1)
    again = ask(one)
    assert (again.whole, again.body) == (True, BODY)
    wait_stored(one)


@pytest.mark.core
def test_a_killed_sidecar_cuts_and_no_more(
    cache: StartCache, beside: StartBeside, origin: Origin
) -> None:
    """Its streams end short, the download does not, and followers wait as they did without it."""
    origin.files[NAR] = BODY
    origin.fail(Fault(drip=SLOW))
    one = cache(origin)
    sidecar = beside(one)
    with ThreadPoolExecutor(3) as pool:
        leader = pool.submit(ask, one)
        await_fill(one)
        with connect(one.address) as stream:
            stream.sendall(request_bytes(NAR))
            await_body(stream)
            sidecar.kill()
            late = pool.submit(ask, one)
            replies = leader.result(), read_reply(stream), late.result()

    assert [reply.whole for reply in replies] == [True, False, True]
    assert BODY.startswith(replies[1].body)
    assert replies[1].body
    assert (replies[0].body, replies[2].body, replies[2].cache_status) == (BODY, BODY, "HIT")
    assert len(origin.requests) == 1
    assert (
        ask(one, ("Range", f"bytes={len(replies[1].body)}-")).body == BODY[len(replies[1].body) :]
    )


@pytest.mark.core
def test_a_sidecar_that_is_not_there(cache: StartCache, origin: Origin) -> None:
    """Without it everybody waits, one download serves all, and no log is filled with it."""
    origin.files[NAR] = BODY
    origin.fail(Fault(drip=1_000_000))
    one = cache(origin)

    replies = at_once(5, lambda: ask(one))

    assert {reply.body for reply in replies} == {BODY}
    assert len(origin.requests) == 1
    assert "fills" not in one.error_log


def test_a_sidecar_that_does_not_answer(
    cache: StartCache, beside: StartBeside, origin: Origin
) -> None:
    """One that hangs is given up, and followers have their ordinary turn."""
    origin.files[NAR] = BODY
    origin.fail(Fault(drip=1_000_000))
    one = cache(origin, swaps={"proxy_read_timeout 12s": "proxy_read_timeout 1s"})
    sidecar = beside(one)
    os.kill(sidecar.process.pid, signal.SIGSTOP)
    try:
        replies = at_once(4, lambda: ask(one))
    finally:
        os.kill(sidecar.process.pid, signal.SIGCONT)

    assert {reply.body for reply in replies} == {BODY}
    assert len(origin.requests) == 1


def kill_worker(one: Cache) -> None:
    """Kill the one worker with SIGKILL."""
    assert one.process is not None
    (worker,) = serving_workers(one.site, one.process.pid)
    os.kill(worker, signal.SIGKILL)


@pytest.mark.core
def test_a_dead_workers_lock_is_passed_by(
    cache: StartCache, beside: StartBeside, origin: Origin
) -> None:
    """A NAR whose worker was killed is downloaded anew at once, by one for all, and stored."""
    origin.files[NAR] = BODY
    origin.fail(Fault(drip=SLOW))
    one = cache(origin)
    beside(one)
    with ThreadPoolExecutor(2) as pool:
        leader = pool.submit(ask, one)
        await_fill(one)
        time.sleep(0.5)
        follower = pool.submit(ask, one)
        time.sleep(0.5)
        kill_worker(one)
        assert [leader.result().whole, follower.result().whole] == [False, False]
    assert len(partial_files(one)) == 1

    replies = at_once(5, lambda: ask(one))

    assert {reply.body for reply in replies} == {BODY}
    assert max(reply.first_byte for reply in replies) < 3
    assert len(origin.requests) == 2
    wait_stored(one)
    assert ask(one).cache_status == "HIT"


def test_it_leaves_when_nobody_reads(
    cache: StartCache, beside: StartBeside, origin: Origin
) -> None:
    """SIGQUIT lets who reads along read to the end; then nothing of it is left."""
    origin.files[NAR] = BODY
    origin.fail(Fault(drip=SLOW))
    one = cache(origin)
    sidecar = beside(one)
    with ThreadPoolExecutor(2) as pool:
        leader = pool.submit(ask, one)
        await_fill(one)
        follower = pool.submit(ask, one)
        time.sleep(0.5)
        sidecar.process.send_signal(signal.SIGQUIT)
        assert [leader.result().body, follower.result().body] == [BODY, BODY]
    assert sidecar.process.wait(5) == 0
    assert not os.path.lexists(one.site.fills)
    assert not os.path.lexists(one.site.fills_pid_file)
