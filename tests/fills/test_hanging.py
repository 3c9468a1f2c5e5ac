"""An upstream that accepts, and never answers for a NAR that the next one has."""

import time
from concurrent.futures import ThreadPoolExecutor

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
