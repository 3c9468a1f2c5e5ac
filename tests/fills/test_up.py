"""`passthru up` with followers, and `passthru fills` without it."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.faults.upped import up_on
from tests.fills.sidecar import COMMAND, PARTIAL
from tests.nginx.client import Reply, fetch
from tests.nginx.origin import Fault, Origin
from tests.nginx.samples import NAR, noise
from tests.nix.running import Passthru
from tests.waiting import eventually

BODY = noise(1_200_000)


def get(one: Passthru) -> Reply:
    """Ask for the NAR."""
    return fetch(("127.0.0.1", int(one.address.rpartition(":")[2])), NAR, timeout=30)


def follow(one: Passthru, folder: Path) -> Reply:
    """Ask for the NAR while it is on its way for another."""
    with ThreadPoolExecutor(1) as pool:
        leader = pool.submit(get, one)
        assert eventually(lambda: list((folder / "cache").rglob(PARTIAL)))
        follower = get(one)
        assert leader.result().body == follower.body == BODY
    return follower


def test_up_has_followers_read_along(origin: Origin, folder: Path) -> None:
    """It is there when `up` says so, comes again when it is killed, and leaves nothing behind."""
    origin.files[NAR] = BODY
    origin.fail(Fault(NAR, drip=400_000))
    sign = folder / "run/fills.pid"
    with up_on(origin, folder)() as one:
        assert eventually(lambda: "serving http" in one.output)
        assert follow(one, folder).first_byte < 1
        first = int(sign.read_text())
        os.kill(first, signal.SIGKILL)
        assert eventually(lambda: int(sign.read_text()) != first)
        assert "fills died: killed by SIGKILL" in one.output
    assert list((folder / "run").glob("*fills*")) == []


def test_it_follows_what_is_live(origin: Origin, folder: Path) -> None:
    """`passthru fills SPEC` waits for a first generation, and stops at SIGTERM."""
    origin.files[NAR] = BODY
    origin.fail(Fault(NAR, drip=400_000))
    start_up = up_on(origin, folder)
    with start_up() as one:
        assert one.get(NAR).status == 200
    for path in (folder / "cache").rglob("*"):
        if path.is_file():
            path.unlink()
    process = subprocess.Popen(
        [*COMMAND, str(folder / "passthru.json")], stderr=subprocess.PIPE, cwd=folder
    )
    try:
        assert eventually((folder / "run/fills.sock").is_socket)
    finally:
        process.terminate()
    _, said = process.communicate(timeout=5)
    assert process.returncode == 0, said
    assert not (folder / "run/fills.sock").exists()


def test_settings_that_are_not_there_yet(folder: Path) -> None:
    """It waits for them, complains of what is none of ours, and takes them when they come."""
    settings = folder / "fills.json"
    process = subprocess.Popen(
        [*COMMAND, "--settings", str(settings)], stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        assert process.stderr.readline() == f"passthru fills: waiting for {settings}\n"
        settings.write_text("{}")
        assert "the settings stay as they are" in process.stderr.readline()
        text = (
            f'{{"socket": "{folder}/run/fills.sock", "pid_file": "{folder}/run/fills.pid",'
            f' "nginx": "{folder}/run/nginx.sock", "directory": "{folder}", "levels": "1:2",'
            ' "patience": 5}'
        )
        settings.write_text(text)
        assert eventually((folder / "run/fills.sock").is_socket)
        settings.write_text(text.replace("fills.sock", "other.sock"))
        assert eventually((folder / "run/other.sock").is_socket)
        assert not (folder / "run/fills.sock").exists()
        assert (folder / "run/fills.pid").exists()
    finally:
        process.terminate()
        process.communicate(timeout=5)
    assert process.returncode == 0


def test_a_spec_or_settings() -> None:
    """Not both."""
    run = subprocess.run(
        [sys.executable, "-m", "passthru", "fills", "a.toml", "--settings", "b"],
        check=False,
        capture_output=True,
        text=True,
    )

    assert run.returncode == 2
    assert "exclude each other" in run.stderr
