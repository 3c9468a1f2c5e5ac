"""Memory, processes and clocks that fail, as the table promises it."""

import json
import os
import re
import shutil
import signal
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final

import pytest

from passthru.cli.fills import fills_child
from passthru.nginx.master import serving_workers
from passthru.nginx.serving import serving
from tests.debian import UnavailableError, fetch_folder, release_codename, unavailable
from tests.faults.flood import Nothing
from tests.faults.machine import ROWS
from tests.faults.upped import up_on
from tests.fills.sidecar import COMMAND, Sidecar, await_fill, partial_files
from tests.nginx.cache import Cache, free_port
from tests.nginx.client import connect, read_reply, request_bytes
from tests.nginx.conftest import StartCache
from tests.nginx.nginxes import NginxBinary
from tests.nginx.origin import Fault, Origin
from tests.nginx.samples import NAR, NARINFO, narinfo, narinfo_path, noise
from tests.nginx.stored import entries, wait_stored
from tests.nix.running import Passthru
from tests.waiting import eventually

SMALL: Final = "/nar/small.nar"
PARTIAL: Final = "*.[0-9]*"


def test_keys_full(cache: StartCache) -> None:
    """In the smallest cache, 12,000 missing paths push out the oldest and never an answer."""
    row = ROWS["keys_full"]
    with Nothing() as nothing:
        one = cache(nothing.url, cache={"size": "64M", "missing_ttl": "1h"})
        paths = [narinfo_path(number) for number in range(12_000)]
        statuses = flood(one, paths)
        assert statuses == {404: len(paths)}
        assert len(nothing.asked) == len(paths)

        nothing.asked.clear()
        last, first = one.get(paths[-1]), one.get(paths[0])

        assert (last.status, last.cache_status) == (404, "HIT")
        assert (first.status, first.cache_status) == (404, "MISS")
        assert nothing.asked == {paths[0].encode()}
        assert max(last.seconds, first.seconds) < row.seconds
    assert "alert" not in one.error_log


def flood(one: Cache, paths: list[str]) -> dict[int, int]:
    """Ask for all `paths`, many at a time on one connection; count the statuses."""
    found: dict[int, int] = {}
    with connect(one.address) as stream, stream.makefile("rb") as answers:
        for start in range(0, len(paths), 100):
            some = paths[start : start + 100]
            stream.sendall(b"".join(request_bytes(path, close=False) for path in some))
            for _ in some:
                status, length = int(answers.readline().split()[1]), 0
                while (line := answers.readline()) != b"\r\n":
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                answers.read(length)
                found[status] = found.get(status, 0) + 1
    return found


def kill_worker(one: Cache) -> None:
    """Kill the one worker with SIGKILL."""
    assert one.process is not None
    (worker,) = serving_workers(one.site, one.process.pid)
    os.kill(worker, signal.SIGKILL)


def test_worker_killed(cache: StartCache, origin: Origin) -> None:
    """All that it was not filling is served at once, and the NAR that it was a moment later."""
    row = ROWS["worker_killed"]
    origin.files = {NARINFO: narinfo(), NAR: noise(400_000)}
    one = cache(origin)
    one.get(NARINFO)
    origin.fail(Fault(NAR, drip=100_000, times=1))
    with Sidecar(one), ThreadPoolExecutor(1) as pool:
        running = pool.submit(one.get, NAR)
        await_fill(one)
        time.sleep(0.5)
        kill_worker(one)
        assert not running.result().whole
        hit, again = one.get(NARINFO), one.get(NAR)

        assert (hit.cache_status, again.body) == ("HIT", origin.files[NAR])
        assert max(hit.seconds, again.seconds) < row.seconds
        wait_stored(one, NAR)
        assert one.get(NAR).cache_status == "HIT"
    assert partial_files(one)  # what nginx never removes


def test_fills_killed(cache: StartCache, origin: Origin) -> None:
    """Followers are cut off where they are, and may ask for the rest; the download goes on."""
    row, body = ROWS["fills_killed"], noise(1_000_000)
    origin.files[NAR] = body
    origin.fail(Fault(NAR, drip=250_000, times=1))
    one = cache(origin)
    with Sidecar(one) as sidecar, ThreadPoolExecutor(1) as pool:
        leader = pool.submit(one.get, NAR)
        await_fill(one)
        with connect(one.address) as stream:
            stream.sendall(request_bytes(NAR))
            assert stream.recv(1, socket.MSG_PEEK)
            sidecar.kill()
            cut = read_reply(stream)
        assert (cut.whole, cut.body) == (False, body[: len(cut.body)])
        rest = one.get(NAR, headers=[("Range", f"bytes={len(cut.body)}-")])

        assert cut.body + rest.body == leader.result().body == body
        assert rest.seconds < row.seconds
    assert len(origin.requests) == 1


def test_fills_frozen(cache: StartCache, nginx: NginxBinary, origin: Origin) -> None:
    """A follower who waits for it has the NAR soon after it was killed, and the next one reads along."""
    row, body = ROWS["fills_frozen"], noise(1_000_000)
    origin.files[NAR] = body
    origin.fail(Fault(NAR, drip=250_000, times=1))
    one = cache(origin, start=False)
    one.port = free_port()
    one.write()
    child = fills_child(one.site)
    child = replace(child, argv=(*COMMAND, *child.argv[-2:]), patience=1.0)
    with (
        serving(
            one.rendering, one.site, binary=str(nginx.path), children=[child], grace=0.2
        ) as crew,
        ThreadPoolExecutor(2) as pool,
    ):
        leader = pool.submit(one.get, NAR)
        await_fill(one)
        frozen = int(Path(one.site.fills_pid_file).read_text())
        os.kill(frozen, signal.SIGSTOP)
        follower = pool.submit(one.get, NAR)
        while not follower.done():
            crew.check()
            crew.call()
            time.sleep(0.2)

        assert follower.result().body == leader.result().body == body
        assert follower.result().seconds < row.seconds
        assert int(Path(one.site.fills_pid_file).read_text()) != frozen
    assert len(origin.requests) == 1


def test_worker_killed_alone(cache: StartCache, origin: Origin) -> None:
    """All but the NAR it was filling is served at once; that one comes after the lock's time."""
    row = ROWS["worker_killed_alone"]
    origin.files = {NARINFO: narinfo(), NAR: noise(400_000), SMALL: noise(1000)}
    lock = {"lock_timeout 240s": "lock_timeout 2s", "lock_age 900s": "lock_age 4s"}
    one = cache(origin, swaps=lock)
    assert lock.keys() <= set(re.findall(r"lock_\w+ \d+s", one.text))
    one.get(NARINFO)
    origin.fail(Fault(NAR, drip=100_000, times=1))
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(one.get, NAR)
        origin.wait_for(NAR)
        time.sleep(0.5)
        kill_worker(one)
        broken = running.result()
    killed = time.monotonic()

    assert not broken.whole
    hit, small = one.get(NARINFO), one.get(SMALL)
    assert (hit.cache_status, small.body) == ("HIT", noise(1000))
    assert max(hit.seconds, small.seconds) < row.seconds
    waited = one.get(NAR)
    assert (waited.body, waited.seconds > 1.5) == (origin.files[NAR], True)
    assert entries(one, NAR) == []
    time.sleep(max(0.0, killed + 4.5 - time.monotonic()))
    assert one.get(NAR).seconds < row.seconds
    assert wait_stored(one, NAR)
    assert list(Path(one.site.cache).rglob(PARTIAL))  # what nginx never removes


def test_master_killed(origin: Origin, folder: Path) -> None:
    """`up` says that nginx was killed and leaves; what was stored is served by the next `up`."""
    row = ROWS["master_killed"]
    origin.files = {NARINFO: narinfo(), NAR: noise(400_000)}
    start_up = up_on(origin, folder)
    origin.fail(Fault(NAR, drip=100_000, times=1))
    with pytest.raises(AssertionError, match=r"ended with 1:[\s\S]*nginx died: killed by SIGKILL"):
        kill_master(start_up, folder, within=row.seconds)
    with start_up() as one:
        origin.stop()
        hit = one.get(NARINFO)
        assert (hit.body, hit.headers["x-cache-status"]) == (narinfo(), "HIT")
        origin.start()
        healed = one.get(NAR)
        assert (healed.body, healed.headers["x-cache-status"]) == (noise(400_000), "MISS")
        deadline = time.monotonic() + row.seconds
        while list((folder / "cache").rglob(PARTIAL)):
            assert time.monotonic() < deadline, "the partial file stays"
            time.sleep(0.1)


def kill_master(start_up: Callable[[], Passthru], folder: Path, *, within: float) -> None:
    """Kill nginx's master in the middle of a fill; raises what leaving a failed instance raises."""
    with start_up() as one:
        assert one.get(NARINFO).status == 200
        with connect(("127.0.0.1", int(one.address.rpartition(":")[2]))) as stream:
            stream.sendall(request_bytes(NAR))
            assert stream.recv(10)
            os.kill(int((folder / "run/nginx.pid").read_text()), signal.SIGKILL)
            one._process.wait(within)


def test_exporter_killed(origin: Origin, folder: Path) -> None:
    """Requests go on without it, the page says so, and afterwards all are counted, once."""
    row = ROWS["exporter_killed"]
    origin.files = {narinfo_path(n): narinfo() for n in range(3)}
    with up_on(origin, folder)() as one:

        def pid() -> int | None:
            owner = ("exporter", "--facts", f"{folder}/state/live/facts.json")
            return process_with(owner)

        def total() -> int:
            answer = one.get("/status.json")
            if answer.status != 200:
                return -1
            return int(json.loads(answer.body)["tallies"]["total"]["requests"])

        def wait(claim: Callable[[], bool]) -> None:
            deadline = time.monotonic() + 20
            while not claim():
                assert time.monotonic() < deadline, one.output
                time.sleep(0.05)

        one.get(narinfo_path(0))
        wait(lambda: total() == 1)
        first = pid()
        assert first is not None
        one.get(narinfo_path(1))
        os.kill(first, signal.SIGKILL)
        wait(lambda: one.get("/metrics").status == 503)
        began = time.monotonic()
        assert one.get(narinfo_path(2)).status == 200
        assert time.monotonic() - began < row.seconds
        wait(lambda: total() == 3)
        assert pid() != first


def test_runtime_removed(origin: Origin, folder: Path) -> None:
    """All that was there is there again, while requests go on."""
    row = ROWS["runtime_removed"]
    origin.files = {NARINFO: narinfo(), SMALL: noise(1000)}
    with up_on(origin, folder)() as one:
        run = folder / "run"
        wanted = {"nginx.sock", "nginx.pid", "exporter.sock", "fills.sock", "fills.pid"}

        def is_whole() -> bool:
            there = {path.name for path in run.glob("*")}
            return wanted <= there and one.get("/status.json").status == 200

        assert eventually(is_whole), one.output
        shutil.rmtree(run)
        began = time.monotonic()
        assert (one.get(NARINFO).body, one.get(SMALL).body) == (narinfo(), noise(1000))
        assert time.monotonic() - began < row.seconds
        assert eventually(is_whole, seconds=20), one.output
        assert one.get(NARINFO).headers["x-cache-status"] == "HIT"


def process_with(words: tuple[str, ...]) -> int | None:
    """Return a process whose command line ends like this."""
    wanted = b"\0".join(word.encode() for word in words) + b"\0"
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and (entry / "cmdline").read_bytes().endswith(wanted):
                return int(entry.name)
    return None


def test_reload(cache: StartCache, origin: Origin) -> None:
    """A fill that began before a reload ends in the old worker, and the new one has it stored."""
    row = ROWS["reload"]
    origin.files[NAR] = noise(200_000)
    origin.fail(Fault(drip=200_000))
    one = cache(origin)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(one.get, NAR)
        origin.wait_for(NAR)
        one.apply({"nix_cache_info": {"priority": 31}})
        reply = running.result()
    assert (reply.whole, reply.body) == (True, origin.files[NAR])
    assert reply.seconds < row.seconds
    wait_stored(one)
    assert one.get(NAR).cache_status == "HIT"
    assert len(origin.requests) == 1


def test_clock_back(cache: StartCache, origin: Origin, tmp_path: Path) -> None:
    """An hour back, hits are hits, what is new is stored, and a "no" is believed an hour longer."""
    row = ROWS["clock_back"]
    try:
        folder = fetch_folder("libfaketime", release_codename(), {})
    except UnavailableError as error:
        unavailable(str(error))
    (library,) = folder.root.glob("usr/lib/*/faketime/libfaketime.so.1")
    clock = tmp_path / "clock"
    clock.write_text("+0")
    settings = {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
    keep = "".join(f"env {name}; " for name in settings)
    one = cache(
        origin,
        prefix=("env", *(f"{name}={value}" for name, value in settings.items())),
        swaps={"daemon off;": f"{keep}daemon off;"},
        cache={"missing_ttl": "1s"},
    )
    origin.files = {NARINFO: narinfo(), SMALL: noise(1000)}
    for path in origin.files:
        assert one.get(path).status == 200
    missing = narinfo_path(1)
    assert one.get(missing).status == 404
    before = time.time()

    clock.write_text("-3600")
    origin.files |= {missing: narinfo(), narinfo_path(2): narinfo()}
    time.sleep(2.2)
    hits = [one.get(path) for path in (NARINFO, SMALL)]
    fresh = [one.get(narinfo_path(2)) for _ in range(2)]
    no = one.get(missing)

    told = parsedate_to_datetime(str(hits[0].get("Date"))).timestamp()
    assert told < before - 3000, "the clock was not set back"
    assert {reply.cache_status for reply in hits} == {"HIT"}
    assert [reply.cache_status for reply in fresh] == ["MISS", "HIT"]
    assert (no.status, no.cache_status) == (404, "HIT")
    assert max(reply.seconds for reply in (*hits, *fresh)) < row.seconds
