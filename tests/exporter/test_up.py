"""The exporter as a child of `passthru up`."""

import json
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.nginx.client import fetch
from tests.nginx.origin import Origin
from tests.nginx.samples import NARINFO, narinfo
from tests.nix.running import Passthru
from tests.ports import free_port
from tests.waiting import eventually


@pytest.fixture
def folder() -> Iterator[Path]:
    """Make a directory that nginx's workers may enter, with a short name."""
    with tempfile.TemporaryDirectory(prefix="pt-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def exporters(folder: Path) -> list[int]:
    """Return the exporters of an instance below `folder`."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"exporter" in words and any(w.startswith(f"{folder}/".encode()) for w in words):
            found.append(int(entry.name))
    return found


def test_it_comes_back_and_leaves_with_up(folder: Path) -> None:
    """`up` runs it, starts it again when it is killed, and leaves nothing of it; requests go on."""
    with Origin({NARINFO: narinfo()}) as origin:
        port = free_port()
        spec = {
            "state_directory": f"{folder}/state",
            "runtime_directory": f"{folder}/run",
            "listen": {"addresses": ["127.0.0.1"], "port": port},
            "cache": {"directory": f"{folder}/cache", "size": "64M", "min_free": "1M"},
            "upstreams": [{"url": origin.url, "name": "a"}],
        }
        address = ("127.0.0.1", port)
        with Passthru(spec, address=f"http://127.0.0.1:{port}", folder=folder) as running:
            assert eventually(lambda: fetch(address, "/status").status == 200)
            [pid] = exporters(folder)
            os.kill(pid, signal.SIGKILL)
            assert eventually(lambda: fetch(address, "/status").status == 503)
            assert fetch(address, NARINFO).status == 200
            assert eventually(lambda: fetch(address, "/status").status == 200), running.output
            assert "exporter died: killed by SIGKILL; it is started again" in running.output
            assert exporters(folder) != [pid]

            def is_counted() -> bool:
                shown = json.loads(fetch(address, "/status.json").body)
                return bool(shown["tallies"]["total"]["requests"] == 1)

            assert eventually(is_counted)
            metrics = fetch(address, "/metrics").body.decode()
            assert "passthru_config_last_reload_successful 1.0\n" in metrics

    assert exporters(folder) == []
