"""What the access log costs: nginx, which writes it, and the exporter, which reads it."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from passthru.stats.access_log import LogParser
from passthru.stats.ledger import Ledger
from passthru.stats.tail import Tail
from tests.bench.client import FetchError
from tests.bench.load import has_wrk
from tests.bench.peers import Passthru, Peer
from tests.bench.scenarios import (
    Bench,
    Measures,
    Samples,
    Scenario,
    hot,
    narinfo_load,
    take_turns,
)

_FLUSHED_SECONDS: Final = 1.5
_FIELDS: Final = ("version", "time", "method", "status", "cache", "turn", "seconds", "bytes", "uri")


def _writing(bench: Bench, peers: Sequence[Peer]) -> Samples:
    targets = bench.stage.fixture.narinfos
    with hot(bench, peers, targets) as servers:
        for server in servers.values():
            if isinstance(server, Passthru) and server is servers.get(Peer.SILENT):
                server.silence()
        return take_turns(bench, peers, lambda peer: narinfo_load(bench, servers[peer], targets))


def _reading(bench: Bench, peers: Sequence[Peer]) -> Samples:
    """Read what a run of warm narinfos left in the log, again and again."""
    targets = bench.stage.fixture.narinfos
    with hot(bench, [Peer.PASSTHRU], targets) as servers:
        server = servers[Peer.PASSTHRU]
        assert isinstance(server, Passthru)
        nginx = narinfo_load(bench, server, targets)["cpu"] / 10_000
        time.sleep(_FLUSHED_SECONDS)
        log = Path(server.cache.site.logs, "access.log")
        plain = _as_json(log) if Peer.JSON in peers else b""
        count = log.read_bytes().count(b"\n")

        def once(peer: Peer) -> Measures:
            used = _time(
                (lambda: _read_json(plain))
                if peer is Peer.JSON
                else (lambda: _read_as_the_exporter(bench, log)),
                count,
            )
            return {
                "lines": count / used / 1000,
                "cpu": used / count * 1e6,
                "share": used / count / nginx,
            }

        return take_turns(bench, peers, once)


def _time(read: Callable[[], int], count: int) -> float:
    before = time.process_time()
    lines = read()
    used = time.process_time() - before
    if lines != count:
        raise FetchError(f"{lines} of {count} lines were read")
    return used


def _read_as_the_exporter(bench: Bench, log: Path) -> int:
    parser = LogParser(["bench"])
    path = bench.stage.folder("ledger") / "ledger.sqlite"
    with Ledger.open(str(path), now=time.time()) as ledger, Tail(str(log)) as tail:
        while lines := (chunk := tail.read()).lines:
            ledger.add(parser.parse(lines), chunk.position)
        return ledger.totals().lines


def _as_json(log: Path) -> bytes:
    lines = log.read_text(encoding="ascii").splitlines()
    objects = (dict(zip(_FIELDS, _alone(line.split("\t")), strict=True)) for line in lines)
    return b"".join(json.dumps(one).encode() + b"\n" for one in objects)


def _alone(fields: Sequence[str]) -> Sequence[str]:
    """Return the fields that every line has."""
    return (*fields[:8], fields[-1])


def _read_json(text: bytes) -> int:
    requests: dict[tuple[str, str], int] = {}
    sent: dict[tuple[str, str], int] = {}
    seconds: dict[str, float] = {}
    for line in text.splitlines():
        one: Mapping[str, str] = json.loads(line)
        key = one["turn"], one["cache"]
        requests[key] = requests.get(key, 0) + 1
        sent[key] = sent.get(key, 0) + int(one["bytes"])
        seconds[one["turn"]] = seconds.get(one["turn"], 0.0) + float(one["seconds"])
    return sum(requests.values())


LOG_SCENARIOS: Final[Mapping[str, Scenario]] = {
    "log-writing": Scenario((Peer.PASSTHRU, Peer.SILENT), _writing, has_wrk),
    "log-reading": Scenario((Peer.PASSTHRU, Peer.JSON), _reading, has_wrk),
}
