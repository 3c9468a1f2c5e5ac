"""Measure passthru beside its peers: `./do bench`, or `python -m tests.bench` in the checkout."""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Final

from passthru.errors import PassthruError
from tests.bench.client import FetchError
from tests.bench.fixture import FULL, QUICK, make_fixture
from tests.bench.load import LoadError
from tests.bench.log_scenarios import LOG_SCENARIOS
from tests.bench.network import Network, is_inside, make_network, run_inside, why_not_inside
from tests.bench.peers import Stage
from tests.bench.report import look_at_machine, to_json, write_facts, write_table
from tests.bench.rows import ROWS, Result, Row, work_out
from tests.bench.scenarios import SCENARIOS, Bench, Extent, Samples, Scenario, measure
from tests.bench.upstream import serve_upstream
from tests.bench.whole_scenarios import WHOLE_SCENARIOS
from tests.checkout import ROOT
from tests.nginx.certificates import Authority
from tests.nginx.nginxes import NginxBinary, installed_nginx

_EXPERIMENTS: Final = {**SCENARIOS, **LOG_SCENARIOS, **WHOLE_SCENARIOS}
_REPEAT: Final = 5
_QUICK_REPEAT: Final = 2
_GB: Final = 1 << 30
_NEEDED: Final = 4 * _GB
_UNAVAILABLE: Final = 69
_FAULTS: Final = (
    *(FetchError, LoadError, PassthruError, AssertionError, RuntimeError, OSError),
    subprocess.SubprocessError,
)
"""What may go wrong with one scenario and says nothing about the next."""


@dataclass(frozen=True, slots=True)
class Found:
    """What came out: results, why other rows have none, and every single measure by scenario."""

    results: list[Result] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    samples: dict[str, Samples] = field(default_factory=dict)


def main() -> None:
    """Parse, measure, print; in namespaces if they can be had."""
    arguments = sys.argv[1:]
    given = _parse(arguments)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    if is_inside():
        sys.exit(_bench(given, given.work, real=True))
    with _work_directory(given.work) as work:
        why_not = why_not_inside()
        if why_not is None:
            sys.exit(run_inside("tests.bench", [*arguments, "--work", str(work)]))
        _say(f"no network namespaces ({why_not}): on loopback, without the rows that need them")
        sys.exit(_bench(given, work, real=False))


def _bench(given: argparse.Namespace, work: Path, *, real: bool) -> int:
    """Measure, and return the exit code."""
    os.chdir(ROOT)
    tempfile.tempdir = str(work)
    nginx = installed_nginx()
    if nginx is None:
        _say("nginx is not installed")
        return _UNAVAILABLE
    rows = [row for row in ROWS if not given.only or row.name in given.only]
    with make_network(real=real) as network:
        facts = look_at_machine(network, nginx)
        stage = _set_stage(work, network, nginx, quick=given.quick)
        found = _measure_all(rows, stage, given)
    without = {**found.skipped, **found.failed}
    sys.stdout.write(f"{write_table(found.results, without)}\n{write_facts(facts)}")
    if given.json:
        text = json.dumps(to_json(found.results, without, facts, found.samples), indent=2)
        given.json.write_text(text + "\n", encoding="utf-8")
    return 1 if found.failed else 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./do bench", description="Measure passthru and peers.")
    names = [row.name for row in ROWS]
    parser.add_argument(
        "--only",
        action="append",
        choices=names,
        metavar="ROW",
        help=f"this row, and others of it: {', '.join(names)}",
    )
    parser.add_argument("--repeat", type=int, metavar="N", help="repetitions (5; quick: 2)")
    parser.add_argument("--quick", action="store_true", help="small files, short runs")
    parser.add_argument(
        "--json",
        type=_path,
        metavar="FILE",
        help="write everything there too",
    )
    parser.add_argument(
        "--work", type=_path, metavar="DIR", help="where files are kept (4 GB; /dev/shm if it fits)"
    )
    return parser.parse_args(arguments)


def _path(name: str) -> Path:
    return Path(name).absolute()


def _set_stage(work: Path, network: Network, nginx: NginxBinary, *, quick: bool) -> Stage:
    started = time.monotonic()
    fixture = make_fixture(work / "fixture", QUICK if quick else FULL)
    _say(
        f"{len(fixture.nars)} NARs of {fixture.size / 1e6:.0f} MB in"
        f" {time.monotonic() - started:.1f} s"
    )
    certificate, key = Authority(work).issue(network.server)
    return Stage(network, fixture, nginx, (str(certificate), str(key)), work)


def _measure_all(rows: Sequence[Row], stage: Stage, given: argparse.Namespace) -> Found:
    repeat = given.repeat or (_QUICK_REPEAT if given.quick else _REPEAT)
    extent = Extent(1.0, repeat, 6.0, 0.0) if given.quick else Extent(3.0, repeat, 10.0, 4.0)
    found = Found()
    with serve_upstream(stage) as upstream:
        bench = Bench(stage, upstream, extent, _say)
        for name in dict.fromkeys(row.scenario for row in rows):
            wanted = [row for row in rows if row.scenario == name]
            reason = _why_not(_EXPERIMENTS[name], stage.network)
            if reason:
                found.skipped.update({row.name: reason for row in wanted})
                continue
            _say(name)
            try:
                samples = measure(_EXPERIMENTS[name], bench)
            except _FAULTS as fault:
                _say(f"{name} failed: {fault!r}")
                found.failed.update({row.name: f"failed: {fault}" for row in wanted})
                continue
            found.samples[name] = samples
            found.results.extend(work_out(row, samples) for row in wanted)
    return found


def _why_not(scenario: Scenario, network: Network) -> str | None:
    if scenario.needs_network and not network.real:
        return "needs network namespaces, which need root"
    if not scenario.tools():
        return "wrk or h2load is not installed"
    return None


@contextmanager
def _work_directory(chosen: Path | None) -> Iterator[Path]:
    """Make a directory, in memory if that is large enough, that is removed afterwards."""
    shared = Path("/dev/shm")  # noqa: S108 - mkdtemp makes a directory of our own in it
    fits = shared.is_dir() and shutil.disk_usage(shared).free > _NEEDED and _memory() > _NEEDED
    parent = chosen or (shared if fits else Path(tempfile.gettempdir()))
    work = Path(tempfile.mkdtemp(prefix="pt-bench-", dir=parent))
    work.chmod(0o755)
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _memory() -> int:
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _say(text: str) -> None:
    sys.stderr.write(f"bench: {text}\n")


def _leave(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
