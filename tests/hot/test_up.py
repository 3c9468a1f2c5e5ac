"""`passthru up` with hot narinfos, and `passthru hot` without it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.faults.upped import up_on
from tests.nginx.client import connect, read_reply, request_bytes
from tests.nginx.origin import Origin
from tests.nginx.samples import NARINFO, narinfo
from tests.nix.running import Passthru
from tests.waiting import eventually

COMMAND = (sys.executable, "-m", "passthru", "hot")


def is_hot(one: Passthru) -> bool:
    """Ask for the narinfo more often than is worth a copy, and say whether there is one."""
    with connect(("127.0.0.1", int(one.address.rpartition(":")[2]))) as stream:
        for _ in range(60):
            stream.sendall(request_bytes(NARINFO, close=False))
            assert read_reply(stream).body == narinfo()
    return bool(copies(one.folder))


def copies(folder: Path) -> list[Path]:
    """Return the copies that there are."""
    return list((folder / "run/hot").rglob("*.narinfo"))


def children(one: Passthru) -> list[int]:
    """Return the processes that run `passthru hot`."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        words = path.read_bytes().split(b"\0") if path.exists() else []
        if b"hot" in words and f"{one.folder}/state/live/hot.json".encode() in words:
            found.append(int(path.parent.name))
    return found


def test_up_copies_what_is_hot(origin: Origin, folder: Path) -> None:
    """Copies come by themselves, go with whoever made them or with the cache, and leave nothing."""
    origin.files[NARINFO] = narinfo()
    stale = folder / f"run/hot/0123abcd/1{NARINFO}"
    stale.parent.mkdir(parents=True)
    stale.touch()
    with up_on(origin, folder)() as one:
        assert not stale.exists()
        assert eventually(lambda: is_hot(one)), one.output
        assert copies(folder)[0].read_bytes() == narinfo()
        [first] = children(one)
        os.kill(first, signal.SIGSTOP)
        assert one.get(NARINFO).headers["x-cache-status"] == "HIT"
        os.kill(first, signal.SIGKILL)
        assert eventually(lambda: not copies(folder)), one.output
        assert eventually(lambda: "hot died: killed by SIGKILL" in one.output)
        assert one.get(NARINFO).body == narinfo()
        assert eventually(lambda: children(one) not in ([], [first]))
        assert {(line.status, line.cache) for line in one.logged(62)[1:]} == {(200, "HIT")}
    assert not (folder / "run/hot").exists()
    assert "Traceback" not in one.output


def test_settings_that_change(folder: Path) -> None:
    """It waits for them, complains of what is none of ours, and leaves no copy of any behind."""
    settings, hot = folder / "hot.json", folder / "run/hot"
    left = hot / f"0123abcd/1{NARINFO}"
    text = (
        f'{{"directory": "{hot}", "root": "{hot}/0123abcd", "most": 9, "log": "{folder}/log",'
        f' "zone": "{folder}", "levels": "1:2", "upstreams": [{{"name": "a", "rewrites": []}}]}}'
    )
    process = subprocess.Popen(
        [*COMMAND, "--settings", str(settings)], stderr=subprocess.PIPE, text=True
    )
    try:
        settings.write_text("{}")
        assert process.stderr is not None
        assert "the settings stay as they are" in process.stderr.readline()
        for told in (text, text.replace("0123abcd", "4567abcd"), None):
            left.parent.mkdir(parents=True)
            left.touch()
            settings.write_text(told) if told else settings.unlink()
            assert eventually(lambda: not hot.exists())
    finally:
        process.terminate()
        _, said = process.communicate(timeout=5)
    assert (process.returncode, said) == (0, "")
