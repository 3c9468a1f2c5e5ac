"""`passthru demo`, whole, and what it does when a promise is broken."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from passthru.cli.closure import Fetched, fetch_closure
from passthru.cli.memory_upstream import serve_files
from passthru.cli.showing import Pass
from passthru.errors import PassthruError
from passthru.nix.demo_packages import demo_cache
from passthru.nix.narinfo_reader import parse_narinfo
from tests.unit.cli.command import environment, run

CACHE = demo_cache(paths=5)


def test_demo_shows_misses_becoming_hits(folder: Path) -> None:
    """Cold, warm and without the upstream: the table on stdout, the rest on stderr, no leftovers."""
    done = run("demo", cwd=folder, env=environment(folder, TMPDIR=str(folder)))
    head, cold, warm, off = done.out.splitlines()

    assert done.code == 0
    assert head.split() == ["pass", "requests", "bytes", "answers", "from", "upstream", "time"]
    assert "72 MISS" in cold
    assert "72 requests" in cold
    for line in (warm, off):
        assert "72 HIT" in line
        assert "nothing" in line
    assert done.err.endswith("next: passthru init && passthru up\n")
    assert "\r" not in done.err
    assert list(folder.iterdir()) == []


def test_demo_in_json_can_be_kept(folder: Path) -> None:
    """Every figure of the table for a program, and the directory with the configuration."""
    done = run("demo", "--json", "--keep", cwd=folder, env=environment(folder, TMPDIR=str(folder)))
    record = json.loads(done.out)
    kept = Path(record["directory"])

    assert (done.code, done.err) == (0, "")
    assert (record["ok"], record["problems"], record["storePaths"]) == (True, [], 36)
    assert [one["name"] for one in record["passes"]] == ["cold", "warm", "upstream off"]
    assert [one["cacheStatus"] for one in record["passes"]] == [
        {"MISS": 72},
        {"HIT": 72},
        {"HIT": 72},
    ]
    assert [one["upstreamRequests"] for one in record["passes"]] == [72, 0, 0]
    assert record["passes"][0]["bytes"] == record["passes"][0]["upstreamBytes"]
    assert (kept / "state/live/nginx.conf").is_file()
    assert not (kept / "run/nginx.pid").exists()


def test_demo_says_where_its_workers_may_not_go(tmp_path: Path) -> None:
    """A TMPDIR of mode 0700 is root's alone: that is said, and not shown as misses."""
    if os.geteuid() != 0:
        pytest.skip("only root's workers are another user")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    done = run("demo", cwd=tmp_path, env=environment(tmp_path, TMPDIR=str(closed)))

    assert (done.code, done.out) == (1, "")
    assert "may not enter" in done.err
    assert "hint: set TMPDIR" in done.err
    assert list(closed.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_demo_that_is_ended_leaves_nothing(folder: Path, number: signal.Signals) -> None:
    """Stopped in the middle, it takes its nginx and its directory with it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "passthru", "demo"],
        env=environment(folder, TMPDIR=str(folder)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 20
    while not (pids := list(folder.glob("*/run/nginx.pid"))) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert pids
    while not (text := pids[0].read_text()) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(number)
    _out, err = process.communicate(timeout=20)

    assert process.returncode == 128 + number
    assert "Traceback" not in err
    assert list(folder.iterdir()) == []
    # Caught between fork and return, it is the kernel that ends nginx, a moment later.
    while Path(f"/proc/{text.strip()}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_whole_closure_is_fetched() -> None:
    """Each path's narinfo and NAR, once, with every check passed."""
    seen: list[None] = []
    with serve_files(CACHE.files) as upstream:
        fetched = fetch_closure(
            upstream.url, CACHE.top, CACHE.public_key, on_path=lambda: seen.append(None)
        )

        assert (fetched.paths, fetched.requests, len(seen)) == (5, 10, 5)
        assert fetched.bytes == upstream.meter.bytes
        assert dict(fetched.statuses) == {"none": 10}


def test_a_missing_file_is_no_demo() -> None:
    """The answer's own words are told."""
    with serve_files({}) as upstream, pytest.raises(PassthruError, match="404: not found"):
        fetch_closure(upstream.url, CACHE.top, CACHE.public_key)


def test_a_foreign_signature_is_found() -> None:
    """A narinfo that another key signed is not believed."""
    other = demo_cache("another", paths=3).public_key
    with serve_files(CACHE.files) as upstream, pytest.raises(PassthruError, match="is not signed"):
        fetch_closure(upstream.url, CACHE.top, other)


def test_a_narinfo_of_another_path_is_found() -> None:
    """Signed and whole, but not what was asked for."""
    first = f"{CACHE.paths[0].hash}.narinfo"
    mixed = {**CACHE.files, f"{CACHE.top.hash}.narinfo": CACHE.files[first]}
    with serve_files(mixed) as upstream, pytest.raises(PassthruError, match="is that of"):
        fetch_closure(upstream.url, CACHE.top, CACHE.public_key)


def test_a_changed_nar_is_found() -> None:
    """One byte in a NAR is enough."""
    name = parse_narinfo(CACHE.files[f"{CACHE.paths[1].hash}.narinfo"])
    nar = CACHE.files[name.url]
    assert name.compression == "none"
    changed = {**CACHE.files, name.url: nar[:-1] + bytes([nar[-1] ^ 1])}
    with serve_files(changed) as upstream, pytest.raises(PassthruError, match="is not the NAR"):
        fetch_closure(upstream.url, CACHE.top, CACHE.public_key)


def test_a_damaged_file_is_found() -> None:
    """Bytes that are no xz any more are told as such."""
    infos = [parse_narinfo(CACHE.files[f"{path.hash}.narinfo"]) for path in CACHE.paths]
    packed = next(info for info in infos if info.compression == "xz")
    damaged = {**CACHE.files, packed.url: CACHE.files[packed.url][:-30]}
    with serve_files(damaged) as upstream, pytest.raises(PassthruError, match="is damaged"):
        fetch_closure(upstream.url, CACHE.top, CACHE.public_key)


def test_a_cache_that_is_gone_is_told() -> None:
    """Nobody at the address is a sentence, not a traceback."""
    with serve_files({}) as upstream:
        pass
    with pytest.raises(PassthruError, match="was not answered"):
        fetch_closure(upstream.url, CACHE.top, CACHE.public_key)


COLD = Pass("cold", "MISS", Fetched(5, 10, 100, {"MISS": 10}), 10, 100, 0.1)
WARM = Pass("warm", "HIT", Fetched(5, 10, 100, {"HIT": 10}), 0, 0, 0.1)


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (COLD, None),
        (WARM, None),
        (replace(WARM, upstream_requests=1), "warm: the upstream was asked 1 times"),
        (
            replace(WARM, fetched=Fetched(5, 10, 100, {"HIT": 9, "MISS": 1})),
            "warm: 10 HIT promised, 9 HIT, 1 MISS seen",
        ),
        (
            replace(COLD, fetched=Fetched(5, 10, 100, {"HIT": 10})),
            "cold: 10 MISS promised, 10 HIT seen",
        ),
    ],
)
def test_a_broken_promise_is_told(one: Pass, told: str | None) -> None:
    """What the table only shows is said when it is wrong."""
    assert one.broken_promise == told
