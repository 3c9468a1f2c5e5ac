"""An upstream that accepts, and never answers for a NAR that the next one has."""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.fills.conftest import StartBeside
from tests.fills.sidecar import ask
from tests.nginx.cache import upstream
from tests.nginx.client import at_once
from tests.nginx.conftest import MakeOrigin, StartCache
from tests.nginx.origin import Fault
from tests.nginx.samples import NAR, noise
from tests.nginx.stored import entries

BODY = noise(1_200_000)
READ = 4
"""Seconds that the first upstream is waited for."""


def test_one_waits_for_all(cache: StartCache, beside: StartBeside, origins: MakeOrigin) -> None:
    """Followers wait with the one who leads, not after it, and read the next upstream's along."""
    first, second = origins(), origins({NAR: BODY})
    first.fail(Fault(NAR, silent=True))
    second.fail(Fault(NAR, drip=400_000))
    one = cache(upstream(first, "a", read_timeout=f"{READ}s"), second)
    beside(one)
    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(ask, one) for _ in range(6)]
        time.sleep(READ - 1)
        late = pool.submit(ask, one)
        replies = [future.result() for future in (*running, late)]
    known = at_once(3, lambda: ask(one))

    assert {(reply.body, reply.upstream) for reply in (*replies, *known)} == {(BODY, "b")}
    assert max(reply.first_byte for reply in replies) < READ + 2
    assert (len(first.requests), len(second.requests)) == (2, 1)
    assert [entry.key for entry in entries(one)] == [f"b{NAR}"]


def test_passing_over_ends_in_no_miss(cache: StartCache, origins: MakeOrigin) -> None:
    """Where what was to be there is gone, and all others say no, it is an outage still."""
    first, second = origins(), origins()
    first.fail(Fault(NAR, silent=True))
    one = cache(first, second)
    Path(one.site.fills_pid_file).touch()
    with misleading(one.site.fills), ThreadPoolExecutor(1) as pool:
        leader = pool.submit(ask, one)
        first.wait_for(NAR)
        reply = ask(one)

        assert (reply.status, reply.seconds < 1) == (504, True)
        assert "did not answer in time (asked: 404)" in reply.line
        assert leader.result().status == 504
    assert (len(first.requests), len(second.requests)) == (1, 1)


@contextmanager
def misleading(path: str) -> Iterator[None]:
    """Answer nginx in the place of `passthru fills`: always that a later upstream has it."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()

        def serve() -> None:
            for code, where in ((295, b"@nar_2_follow"), (299, b"@nar_2")):
                stream, _ = listener.accept()
                with stream:
                    stream.recv(65536)
                    lines = b"X-Accel-Redirect: %s\r\nContent-Length: 0\r\n\r\n" % where
                    stream.sendall(b"HTTP/1.1 %d Elsewhere\r\n" % code + lines)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield
        thread.join(5)
