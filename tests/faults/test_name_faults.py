"""Names that cannot be looked up or lead elsewhere, and NARs that are not what they were."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from typing_extensions import override

from tests.faults.machine import ROWS
from tests.fills.sidecar import Sidecar
from tests.nginx.cache import Cache, upstream
from tests.nginx.client import Reply
from tests.nginx.conftest import MakeOrigin, StartCache
from tests.nginx.names import Names
from tests.nginx.origin import Fault, Origin
from tests.nginx.samples import NAR, NARINFO, narinfo, narinfo_path, noise
from tests.nginx.stored import entries, expire, wait_stored

HOST = "up.test"
PATHS = tuple(narinfo_path(number) for number in range(400))
QUICK = {r"valid=\d+s": "valid=1s"}


def get_until(one: Cache, body: bytes, paths: list[str], seconds: float) -> None:
    """Ask for one path after the other, each answered within `seconds`, until one is `body`.

    An nginx that asks for names itself asks again after 5 s, and a busy machine takes its time.
    """
    deadline = time.monotonic() + 20
    while (reply := one.get(paths.pop())).body != body:
        assert reply.status in (200, 502, 504), reply.body
        assert reply.seconds < seconds
        assert time.monotonic() < deadline, reply.body
        time.sleep(0.05)


class Deaf(Names):
    """A name server that may fall silent: nginx throws an empty answer away."""

    deaf = False

    @override
    def _answer(self, query: bytes) -> bytes:
        return b"" if self.deaf else super()._answer(query)


@dataclass(frozen=True, slots=True)
class Named:
    """A cache before an upstream with a name, `follows` if nginx looks that up itself."""

    cache: Cache
    names: Deaf
    follows: bool
    paths: list[str]

    def get(self) -> Reply:
        """Ask for what is not stored."""
        return self.cache.get(self.paths.pop())


@contextmanager
def named(cache: StartCache, port: int, *, deaf: bool = False) -> Iterator[Named]:
    """Start a cache; one that does not follow names knows the address, unless `deaf`."""
    with Deaf({HOST: ("127.0.0.1",)}) as names:
        names.deaf = deaf
        one = cache(upstream(f"http://{HOST}:{port}", "a"), start=False, swaps=QUICK)
        follows = one.capabilities.upstream_resolve
        known: dict[str, object] = {} if deaf else {"addresses": {HOST: ("127.0.0.1",)}}
        one.machine = {"resolvers": (names.address,)} if follows else known
        one.start()
        yield Named(one, names, follows, list(PATHS))


@pytest.mark.core
def test_dns_gone(cache: StartCache, origin: Origin) -> None:
    """Without a name server it starts and says 502; what it has learnt since, it keeps."""
    row = ROWS["dns_gone"]
    origin.files = dict.fromkeys((*PATHS, NARINFO), narinfo())
    with named(cache, origin.port, deaf=True) as scene:
        cold = scene.get()
        assert cold.status in (502, 504)
        assert cold.line
        assert cold.seconds < row.seconds

        scene.names.deaf = False
        if not scene.follows:  # what `passthru up` does when it has found the address
            scene.cache.apply(addresses={HOST: ("127.0.0.1",)})
        get_until(scene.cache, narinfo(), scene.paths, row.seconds)

        scene.names.deaf = True
        time.sleep(1.5)
        assert {scene.get().status for _ in range(10)} == {200}


@pytest.mark.core
def test_dns_denied(cache: StartCache, origin: Origin) -> None:
    """What is stored is served; a "no such name" is believed by the nginx that asks, for its time."""
    row = ROWS["dns_denied"]
    origin.files = dict.fromkeys((*PATHS, NARINFO), narinfo())
    with named(cache, origin.port) as scene:
        get_until(scene.cache, narinfo(), scene.paths, row.seconds)
        assert scene.cache.get(NARINFO).status == 200
        wait_stored(scene.cache, NARINFO)

        scene.names.records.clear()
        time.sleep(2.5)
        stored, cold = scene.cache.get(NARINFO), scene.get()
        assert (stored.status, stored.cache_status) == (200, "HIT")
        assert cold.status == (502 if scene.follows else 200)
        assert cold.seconds < 1

        scene.names.records[HOST] = ("127.0.0.1",)
        get_until(scene.cache, narinfo(), scene.paths, row.seconds)


@pytest.mark.core
def test_dns_changed(cache: StartCache, origins: MakeOrigin) -> None:
    """When an upstream moves, its old address being dead, the new one is found without a restart."""
    row = ROWS["dns_changed"]
    old = origins(dict.fromkeys(PATHS, narinfo(note="old")))
    new = origins(dict.fromkeys(PATHS, narinfo(note="new")), host="127.0.0.2", port=old.port)
    with named(cache, old.port) as scene:
        get_until(scene.cache, narinfo(note="old"), scene.paths, row.seconds)
        old.stop()
        dead = scene.get()
        assert (dead.status, dead.cache_status) == (502, "MISS")
        assert dead.line

        scene.names.records[HOST] = ("127.0.0.2",)
        if not scene.follows:  # what `passthru up` does when it has seen the change
            scene.cache.apply(addresses={HOST: ("127.0.0.2",)})
        get_until(scene.cache, narinfo(note="new"), scene.paths, row.seconds)
    assert new.requests


def test_nar_changed(cache: StartCache, origin: Origin) -> None:
    """What is stored is one version or the other, never a mixture; only a client can make one."""
    row = ROWS["nar_changed"]
    old, new = noise(200_000, 1), noise(200_000, 2)
    origin.files[NAR] = old
    one = cache(origin)
    origin.fail(Fault(cut=80_000, times=1))
    cut = one.get(NAR)
    origin.files[NAR] = new

    rest = one.get(NAR, headers=[("Range", f"bytes={len(cut.body)}-")])
    wait_stored(one)
    mixture = cut.body + rest.body

    assert mixture == old[: len(cut.body)] + new[len(cut.body) :]
    assert one.get(NAR).body == new
    origin.files[NAR] = old
    kept = one.get(NAR)
    assert (kept.body, kept.cache_status, len(origin.requests)) == (new, "HIT", 2)
    assert kept.seconds < row.seconds
    expire(one)
    assert one.get(NAR).body == new
    origin.wait_for(NAR, 3)
    wait_stored(one)
    deadline = time.monotonic() + row.seconds
    while (reply := one.get(NAR)).body != old:
        assert reply.body == new
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.core
def test_line_cuts(cache: StartCache, origin: Origin) -> None:
    """Where no connection lives to the end of a NAR, a client that resumes has it all the same."""
    row, body, cut = ROWS["line_cuts"], noise(400_000), 150_000
    origin.files[NAR] = body
    origin.fail(Fault(NAR, cut=cut))
    one = cache(origin)
    with Sidecar(one):
        replies = [one.get(NAR)]
        while (have := sum(len(reply.body) for reply in replies)) < len(body) and len(replies) < 9:
            time.sleep(0.25)  # as Nix does
            replies.append(one.get(NAR, headers=[("Range", f"bytes={have}-")]))

        assert b"".join(reply.body for reply in replies) == body
        assert [len(reply.body) for reply in replies] == [cut, 0, cut, len(body) - 2 * cut]
        assert max(reply.seconds for reply in replies) < row.seconds
        assert entries(one) == []
        origin.heal()
        assert [one.get(NAR).body, wait_stored(one)[0].status] == [body, 200]
    origin.fail(Fault(NAR, cut=cut))
    other = cache(origin)
    assert one.get(NAR).body == body
    assert other.get(NAR, headers=[("Range", f"bytes={cut}-")]).body == b""
