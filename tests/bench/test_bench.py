"""The benchmark, in its quickest form: it must not rot between the few times that it is run whole."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bench.fixture import QUICK, Shape, make_fixture, name_missing
from tests.bench.log_scenarios import LOG_SCENARIOS
from tests.bench.peers import Peer
from tests.bench.relay import Line
from tests.bench.rows import ROWS, Row, work_out
from tests.bench.scenarios import SCENARIOS
from tests.bench.whole_scenarios import WHOLE_SCENARIOS
from tests.checkout import ROOT
from tests.debian import unavailable

EXPERIMENTS = {**SCENARIOS, **LOG_SCENARIOS, **WHOLE_SCENARIOS}
RATIO = Row("ratio", "", "narinfo", "rate", "", Peer.FILES, 0.9, more=True)
PLAIN = Row("plain", "", "hang", "s", "", None, 5.0)


@pytest.fixture
def work() -> Iterator[Path]:
    """Return a directory with a short name: a unix socket's path has room for 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="pt-") as name:
        yield Path(name)


def run_bench(work: Path, *words: str) -> tuple[str, dict[str, Any]]:
    """Run it as `./do bench` does; return the table and the JSON."""
    file = work / "out.json"
    command = [sys.executable, "-m", "tests.bench", "--quick", "--repeat", "1", *words]
    environment = {**os.environ, "PASSTHRU_BENCH_INSIDE": ""}
    done = subprocess.run(
        [*command, "--json", str(file), "--work", str(work)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["narinfo", "herd-narinfo", "log-cpu"])
def test_one_row_end_to_end(work: Path, name: str) -> None:
    """One warm row and one cold row come out as a table and as JSON, and nothing stays behind."""
    if name != "herd-narinfo" and not shutil.which("wrk"):
        unavailable("wrk is not installed")
    if not shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin"):
        unavailable("nginx is not installed")

    table, told = run_bench(work, "--only", name)

    (row,) = told["rows"]
    assert f"(`{name}`)" in table
    assert row["name"] == name
    assert row["figure"] > 0
    assert row["medians"]["passthru"] > 0
    assert row["medians"]["json" if name == "log-cpu" else "nixos-passthru-cache"] > 0
    assert told["without"] == {}
    assert [path.name for path in work.iterdir()] == ["out.json"]


def test_fixture_is_the_same_every_time(tmp_path: Path) -> None:
    """Two fixtures of one shape have the same bytes under the same names, of the sizes asked for."""
    shape = Shape(8, 1, (5000, 6000), 1, 10_000)
    first, second = (make_fixture(tmp_path / name, shape) for name in ("a", "b"))

    assert (first.narinfos, first.nars, first.large) == (second.narinfos, second.nars, second.large)
    assert len(set(first.nars)) == len(set(first.narinfos)) == 8
    for target in (*first.narinfos, *first.nars):
        content = (first.root / target[1:]).read_bytes()
        assert content == (second.root / target[1:]).read_bytes()
    assert (first.root / first.large[0][1:]).stat().st_size == 10_000
    assert not set(name_missing("1")) & set(name_missing("2"))


def test_every_row_has_its_scenario() -> None:
    """A row names a scenario that is there, one that measures the peer it is compared with."""
    assert QUICK.count > 32  # the herd's own narinfo is none of those that warm the cache
    for row in ROWS:
        assert Peer.PASSTHRU in EXPERIMENTS[row.scenario].peers
        assert row.against is None or row.against in EXPERIMENTS[row.scenario].peers
    assert len({row.name for row in ROWS}) == len(ROWS)


def test_ratio_is_taken_within_a_repetition() -> None:
    """A machine that slows down between repetitions changes no ratio."""
    samples = {
        Peer.PASSTHRU: [{"rate": 90.0}, {"rate": 9.0}, {"rate": 45.0}],
        Peer.FILES: [{"rate": 100.0}, {"rate": 10.0}, {"rate": 100.0}],
    }
    result = work_out(RATIO, samples)

    assert result.figure == pytest.approx(0.9)
    assert result.lowest == pytest.approx(0.45)
    assert result.highest == pytest.approx(0.9)
    assert result.medians == {Peer.PASSTHRU: 45.0, Peer.FILES: 100.0}


@pytest.mark.parametrize(("seconds", "met"), [(4.9, True), (5.0, True), (5.1, False)])
def test_reach_without_a_peer(seconds: float, *, met: bool) -> None:
    """A row with no peer is its own measure, and less is better unless it says otherwise."""
    result = work_out(PLAIN, {Peer.PASSTHRU: [{"s": seconds}]})

    assert (result.figure, result.met) == (seconds, met)


def test_missing_peer_leaves_the_row_without_a_figure() -> None:
    """Without varnish its rows keep our own measure and claim nothing."""
    result = work_out(RATIO, {Peer.PASSTHRU: [{"rate": 1.0}]})

    assert (result.figure, result.met, result.medians) == (None, None, {Peer.PASSTHRU: 1.0})


def test_line_sends_one_after_the_other() -> None:
    """What comes in while the line is busy leaves later; an idle line saves nothing up."""
    line = Line(rate=1000.0)

    assert line.reserve(500, now=10.0) == 10.5
    assert line.reserve(500, now=10.1) == 11.0
    assert line.reserve(500, now=20.0) == 20.5
    assert Line(rate=0).reserve(10**9, now=3.0) == 3.0
