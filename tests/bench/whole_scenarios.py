"""What is asked of a cache as a whole: a crowd of clients, and the memory it takes."""

import time
from collections.abc import Mapping, Sequence
from typing import Final

from tests.bench.client import fetch_all
from tests.bench.load import has_wrk, run_wrk
from tests.bench.peers import Peer
from tests.bench.scenarios import Bench, Measures, Samples, Scenario, hot, narinfo_load, take_turns
from tests.bench.whole import Whole, run_whole

_CROWD: Final = 1000
_CONNECTIONS: Final = 16
_NAR_CONNECTIONS: Final = 8
_SETTLED_SECONDS: Final = 3.0


def _crowd(bench: Bench, peers: Sequence[Peer]) -> Samples:
    targets = bench.stage.fixture.narinfos

    def once(peer: Peer) -> Measures:
        return narinfo_load(bench, servers[peer], targets, connections=_CROWD)

    with hot(bench, peers, targets) as servers:
        return take_turns(bench, peers, once)


def _memory(bench: Bench, peers: Sequence[Peer]) -> Samples:
    def once(_: Peer) -> Measures:
        with run_whole(bench.stage, bench.upstream.address) as whole:
            time.sleep(_SETTLED_SECONDS)
            rest = whole.memory()
            return {**_named(rest, "rest"), **_named(_load(bench, whole), "load")}

    return take_turns(bench, peers, once)


def _load(bench: Bench, whole: Whole) -> Mapping[str, float]:
    """Return the memory after a herd, every NAR, and narinfos at full speed."""
    fixture = bench.stage.fixture
    fetch_all(whole.address, fixture.large[:1] * _CONNECTIONS, _CONNECTIONS, patience=60)
    fetch_all(whole.address, fixture.nars, _NAR_CONNECTIONS, patience=60)
    run_wrk(whole.address, fixture.narinfos, _CROWD, bench.extent.seconds, bench.stage.work)
    return whole.memory()


def _named(parts: Mapping[str, float], when: str) -> dict[str, float]:
    whole = {**parts, "all": sum(parts.values())}
    return {f"{name} {when}": size for name, size in whole.items()}


WHOLE_SCENARIOS: Final[Mapping[str, Scenario]] = {
    "crowd": Scenario((Peer.PASSTHRU, Peer.FILES, Peer.NIXOS), _crowd, has_wrk),
    "memory": Scenario((Peer.PASSTHRU,), _memory, has_wrk),
}
