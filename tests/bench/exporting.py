"""The exporter beside a cache under full load: what it costs, whether it keeps up, what it loses."""

import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.client import FetchError, fetch_all
from tests.bench.load import run_wrk
from tests.bench.peers import Passthru, Stage, start_passthru
from tests.bench.server import cpu_seconds
from tests.nginx.cache import Cache
from tests.nginx.client import fetch

CONNECTIONS: Final = 16
_PATIENCE: Final = 120.0
_LINES: Final = re.compile(rb"^passthru_log_lines_total (\S+)$", re.MULTILINE)
_WARMING: Final = 8


@dataclass(frozen=True, slots=True)
class Counter:
    """A `passthru exporter` as its own process."""

    cache: Cache
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        """Its process id, or that of what started it."""
        return self.process.pid

    def lines(self) -> int:
        """Return how many lines it has read; -1 while it does not answer."""
        try:
            found = _LINES.search(fetch(self.cache.site.exporter_socket, "/metrics").body)
        except OSError:
            return -1
        return int(float(found[1])) if found else -1

    def memory(self) -> float:
        """Return what it holds in memory, in MiB."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        found = re.search(r"^VmRSS:\s*(\d+) kB$", status, re.MULTILINE)
        return int(found[1]) / 1024 if found else 0.0

    def catch_up(self) -> float:
        """Wait until it has read all that was written, and return the seconds that took."""
        began = time.monotonic()
        log = Path(self.cache.site.logs, "access.log")
        while time.monotonic() - began < _PATIENCE:
            size = log.stat().st_size
            if self.lines() == count_lines(log) and log.stat().st_size == size:
                return time.monotonic() - began
            time.sleep(0.2)
        raise FetchError(f"the exporter has read {self.lines()} of {count_lines(log)} lines")


@contextlib.contextmanager
def counting(cache: Cache, stage: Stage) -> Iterator[Counter]:
    """Run the exporter of a cache, on the core of the servers."""
    command = [*stage.network.prefix, sys.executable, "-m", "passthru", "exporter"]
    with (cache.home / "exporter.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--facts", f"{cache.site.live}/facts.json"],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        counter = Counter(cache, process)
        deadline = time.monotonic() + _PATIENCE
        while counter.lines() < 0:
            if process.poll() is not None or time.monotonic() > deadline:
                raise FetchError((cache.home / "exporter.log").read_text(encoding="utf-8")[-2000:])
            time.sleep(0.1)
        yield counter
    finally:
        process.kill()
        process.wait(10)


def count_lines(path: Path) -> int:
    """Return how many lines a file has."""
    with path.open("rb") as file:
        return sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 20), b""))


def export(
    stage: Stage,
    upstream: tuple[str, int],
    *,
    seconds: float,
    heat: float,
    take: Callable[[Callable[[], Mapping[str, float]]], Sequence[Mapping[str, float]]],
) -> Sequence[Mapping[str, float]]:
    """Load one cache with narinfos again and again; `take` says how often, and gets the measures."""
    targets = stage.fixture.narinfos
    with contextlib.closing(start_passthru(stage, upstream, tls=False)) as server:
        for _ in range(2):
            fetch_all(server.address, targets, _WARMING)
        if heat:
            run_wrk(server.address, targets, CONNECTIONS, heat, stage.work)
        with counting(server.cache, stage) as counter:
            counter.catch_up()
            return take(lambda: _load_once(server, counter, targets, seconds, stage.work))


def _load_once(
    server: Passthru, counter: Counter, targets: Sequence[str], seconds: float, work: Path
) -> Mapping[str, float]:
    before, ours_before = cpu_seconds(server.pids[0]), cpu_seconds(counter.pid)
    load = run_wrk(server.address, targets, CONNECTIONS, seconds, work)
    late = counter.catch_up()
    ours = cpu_seconds(counter.pid) - ours_before
    theirs = cpu_seconds(server.pids[0]) - before
    return {
        "share": ours / theirs,
        "late": late,
        "memory": counter.memory(),
        "cpu": ours / load.requests * 1e6,
        "req/s": load.rate,
    }
