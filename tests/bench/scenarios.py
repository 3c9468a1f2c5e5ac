"""What is done to the peers: each scenario gives every peer's measures, one set a repetition.

Peers take turns within a repetition, in an order that turns with it, so that what else the machine
does meets them all alike.
"""

import contextlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tests.bench.address import Address
from tests.bench.client import FetchError, Run, fetch_all
from tests.bench.exporting import export
from tests.bench.fixture import name_missing
from tests.bench.load import has_h2load, has_wrk, run_h2load, run_wrk
from tests.bench.peers import Passthru, Peer, Stage, is_here, start_peer
from tests.bench.server import Server, cpu_seconds
from tests.bench.upstream import (
    FAR,
    GIGABIT,
    LOOPBACK,
    SLOW,
    Line,
    Upstream,
    hanging_upstream,
    lay_line,
)

Measures = Mapping[str, float]
Samples = Mapping[Peer, Sequence[Measures]]

CLIENTS: Final = 32
CONNECTIONS: Final = 16
"""Of one client that fetches a closure, and of the load on narinfos."""

_NAR_CONNECTIONS: Final = 8
_FRESH: Final = 25.0
"""Seconds within which passthru believes a 404 (missing_ttl is 30 s), less some."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How long and how often."""

    seconds: float
    repeat: int
    patience: float
    """Seconds to wait for an upstream that hangs."""

    heat: float
    """Seconds of load on narinfos before they are measured; 0: none."""


@dataclass(frozen=True, slots=True)
class Bench:
    """All that a scenario needs."""

    stage: Stage
    upstream: Upstream
    extent: Extent
    say: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One experiment; `tools` are programs it cannot do without."""

    peers: tuple[Peer, ...]
    run: Callable[[Bench, Sequence[Peer]], Samples]
    tools: Callable[[], bool] = lambda: True
    needs_network: bool = False
    """Whether loopback's large segments would falsify it."""


def measure(scenario: Scenario, bench: Bench) -> Samples:
    """Run a scenario with those of its peers that are installed."""
    return scenario.run(bench, [peer for peer in scenario.peers if is_here(peer)])


def take_turns(
    bench: Bench, peers: Sequence[Peer], once: Callable[[Peer], Measures]
) -> dict[Peer, list[Measures]]:
    """Measure each peer once a repetition."""
    samples: dict[Peer, list[Measures]] = {peer: [] for peer in peers}
    for turn in range(bench.extent.repeat):
        first = turn % len(peers)
        for peer in (*peers[first:], *peers[:first]):
            samples[peer].append(once(peer))
            told = ", ".join(f"{name} {value:.4g}" for name, value in samples[peer][-1].items())
            bench.say(f"    {turn + 1}/{bench.extent.repeat} {peer}: {told}")
    return samples


# --- warm: every peer is filled once and then measured again and again ------------------------------


@contextlib.contextmanager
def warm(
    bench: Bench, peers: Sequence[Peer], targets: Sequence[str], *, tls: bool = False
) -> Iterator[dict[Peer, Server]]:
    """Start the peers, and have each of them fetch `targets`."""
    with contextlib.ExitStack() as stack:
        servers = {}
        for peer in peers:
            server = start_peer(peer, bench.stage, bench.upstream.address, tls=tls)
            stack.callback(server.close)
            servers[peer] = server
            for _ in range(2):
                if tls:
                    run_h2load(server.address, targets, 1, 1, bench.stage.work)
                else:
                    fetch_all(server.address, targets, _NAR_CONNECTIONS)
        yield servers


@contextlib.contextmanager
def hot(
    bench: Bench, peers: Sequence[Peer], targets: Sequence[str], *, tls: bool = False
) -> Iterator[dict[Peer, Server]]:
    """Do as `warm` does, and go on for so long that passthru has seen what is hot."""
    with warm(bench, peers, targets, tls=tls) as servers:
        for server in servers.values():
            heat(bench, server, targets, tls=tls)
        yield servers


def heat(bench: Bench, server: Server, targets: Sequence[str], *, tls: bool = False) -> None:
    """Load a server before it is measured; raises FetchError if passthru did not see it."""
    seconds = bench.extent.heat
    if not seconds:
        return
    load = run_h2load if tls else run_wrk
    load(server.address, targets, CONNECTIONS, seconds, bench.stage.work)
    if isinstance(server, Passthru) and not server.has_copies(len(targets)):
        raise FetchError("passthru hot has not copied what was asked for all the time")


def _warm_narinfo(bench: Bench, peers: Sequence[Peer]) -> Samples:
    targets = bench.stage.fixture.narinfos
    with hot(bench, peers, targets) as servers:
        return take_turns(bench, peers, lambda peer: narinfo_load(bench, servers[peer], targets))


def narinfo_load(
    bench: Bench, server: Server, targets: Sequence[str], *, connections: int = CONNECTIONS
) -> Measures:
    """Ask a warm server for narinfos for a while."""
    before = cpu_seconds(*server.pids)
    load = run_wrk(server.address, targets, connections, bench.extent.seconds, bench.stage.work)
    used = cpu_seconds(*server.pids) - before
    if load.refused:
        raise FetchError(f"{load.refused} narinfos that are there were refused")
    return {"req/s": load.rate, "cpu": used / load.requests * 10_000}


def _warm_nars(
    targets: Callable[[Bench], Sequence[str]], connections: int
) -> Callable[[Bench, Sequence[Peer]], Samples]:
    def run(bench: Bench, peers: Sequence[Peer]) -> Samples:
        names = targets(bench)
        with warm(bench, peers, names) as servers:
            return take_turns(bench, peers, lambda peer: once(servers[peer], names, bench))

    def once(server: Server, names: Sequence[str], bench: Bench) -> Measures:
        before = cpu_seconds(*server.pids)
        done = fetch_all(server.address, names, connections, seconds=bench.extent.seconds)
        used = cpu_seconds(*server.pids) - before
        return {"MB/s": done.size / done.seconds / 1e6, "cpu": used / done.size * 1e9}

    return run


def _missing(bench: Bench, peers: Sequence[Peer]) -> Samples:
    seconds = min(bench.extent.seconds, _FRESH)
    seeds = itertools.count()

    def once(peer: Peer) -> Measures:
        server = servers[peer]
        targets = name_missing(str(next(seeds)))  # new ones: a 404 is believed for a while only
        fetch_all(server.address, targets, 1)
        bench.upstream.forget()
        load = run_wrk(server.address, targets, CONNECTIONS, seconds, bench.stage.work)
        if load.refused != load.requests:
            raise FetchError("a narinfo that is not there was answered")
        return {"req/s": load.rate, "asked": float(len(bench.upstream.asked()))}

    with warm(bench, peers, bench.stage.fixture.narinfos) as servers:
        return take_turns(bench, peers, once)


def _narinfo_h2(bench: Bench, peers: Sequence[Peer]) -> Samples:
    targets = bench.stage.fixture.narinfos

    def once(peer: Peer) -> Measures:
        server = servers[peer]
        before = cpu_seconds(*server.pids)
        load = run_h2load(
            server.address, targets, CONNECTIONS, bench.extent.seconds, bench.stage.work
        )
        used = cpu_seconds(*server.pids) - before
        return {"req/s": load.rate, "cpu": used / load.requests * 10_000}

    with hot(bench, peers, targets, tls=True) as servers:
        return take_turns(bench, peers, once)


# --- cold: a new and empty peer for every repetition ----------------------------------------------


def _cold(
    line: Line, once: Callable[[Bench, Server], Measures]
) -> Callable[[Bench, Sequence[Peer]], Samples]:
    def run(bench: Bench, peers: Sequence[Peer]) -> Samples:
        with lay_line(line, bench.stage, bench.upstream) as upstream:

            def start_and_measure(peer: Peer) -> Measures:
                with contextlib.closing(start_peer(peer, bench.stage, upstream)) as server:
                    before = cpu_seconds(*server.pids)
                    measures = once(bench, server)
                    return {**measures, "cpu": cpu_seconds(*server.pids) - before}

            return take_turns(bench, peers, start_and_measure)

    return run


def _closure(bench: Bench, server: Server) -> Measures:
    fixture = bench.stage.fixture
    narinfos = fetch_all(server.address, fixture.narinfos, CONNECTIONS)
    nars = fetch_all(server.address, fixture.nars, CONNECTIONS, patience=300)
    _check(narinfos, nars)
    return {"s": narinfos.seconds + nars.seconds, "narinfos": narinfos.seconds}


def _herd_nar(bench: Bench, server: Server) -> Measures:
    bench.upstream.forget()
    done = fetch_all(server.address, bench.stage.fixture.large[:1] * CLIENTS, CLIENTS, patience=600)
    _check(done)
    size = sum(size for _, size in bench.upstream.asked())
    return {
        "last": max(one.last for one in done.fetched),
        "first": max(one.first for one in done.fetched),
        "bytes": size / bench.stage.fixture.large_size,
    }


def _herd_narinfo(bench: Bench, server: Server) -> Measures:
    narinfos = bench.stage.fixture.narinfos
    # A cache that has been in use for a moment: its connections to the upstream are open.
    fetch_all(server.address, narinfos[:CLIENTS], CLIENTS)
    bench.upstream.forget()
    done = fetch_all(server.address, narinfos[-1:] * CLIENTS, CLIENTS)
    _check(done)
    return {
        "slowest": max(one.last for one in done.fetched),
        "asked": float(len(bench.upstream.asked())),
    }


def _hang(bench: Bench, peers: Sequence[Peer]) -> Samples:
    with hanging_upstream(bench.stage) as upstream:

        def once(peer: Peer) -> Measures:
            with contextlib.closing(start_peer(peer, bench.stage, upstream)) as server:
                return _wait_for_error(bench, server.address)

        return take_turns(bench, peers, once)


def _wait_for_error(bench: Bench, address: Address) -> Measures:
    patience = bench.extent.patience
    try:
        done = fetch_all(address, bench.stage.fixture.narinfos[:1], 1, patience=patience)
    except FetchError:
        return {"s": patience}
    if done.fetched[0].status < 500:
        return {"s": patience}  # quick, but not honest
    return {"s": done.seconds}


def _check(*runs: Run) -> None:
    for run in runs:
        wrong = [one for one in run.fetched if one.status != 200]
        if wrong:
            raise FetchError(f"{wrong[0].target}: answered {wrong[0].status}")


def _export(bench: Bench, peers: Sequence[Peer]) -> Samples:
    return {
        peer: export(
            bench.stage,
            bench.upstream.address,
            seconds=bench.extent.seconds,
            heat=bench.extent.heat,
            take=lambda once: take_turns(bench, [peer], lambda _peer: once())[peer],  # noqa: B023 - called at once
        )
        for peer in peers
    }


_CACHES: Final = (Peer.PASSTHRU, Peer.NIXOS, Peer.VARNISH)
_WARM: Final = (Peer.PASSTHRU, Peer.FILES, Peer.NIXOS, Peer.VARNISH)
_COLD: Final = (*_CACHES, Peer.DIRECT)

SCENARIOS: Final[Mapping[str, Scenario]] = {
    "narinfo": Scenario(_WARM, _warm_narinfo, has_wrk),
    "nar-mix": Scenario(
        _WARM,
        _warm_nars(lambda bench: bench.stage.fixture.nars, _NAR_CONNECTIONS),
        needs_network=True,
    ),
    "nar-large": Scenario(
        _WARM,
        _warm_nars(lambda bench: bench.stage.fixture.large[:1], 1),
        needs_network=True,
    ),
    "missing": Scenario(_WARM, _missing, has_wrk),
    "narinfo-h2": Scenario((Peer.PASSTHRU, Peer.FILES, Peer.NIXOS), _narinfo_h2, has_h2load),
    "closure-far": Scenario(_COLD, _cold(FAR, _closure)),
    "closure-gigabit": Scenario(_COLD, _cold(GIGABIT, _closure)),
    "herd-nar": Scenario(_CACHES, _cold(GIGABIT, _herd_nar), needs_network=True),
    "herd-slow": Scenario(_CACHES, _cold(SLOW, _herd_nar)),
    "herd-narinfo": Scenario(_CACHES, _cold(FAR, _herd_narinfo)),
    "hang": Scenario(_CACHES, _hang),
    "exporter": Scenario((Peer.PASSTHRU,), _export, has_wrk),
}

__all__ = ["LOOPBACK", "SCENARIOS", "Bench", "Extent", "Samples", "Scenario", "measure"]
