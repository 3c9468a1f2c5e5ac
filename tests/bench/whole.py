"""A whole `passthru up`, sidecars and all, and the memory of each of its processes."""

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.address import Address
from tests.bench.client import FetchError
from tests.bench.peers import Stage
from tests.bench.server import family
from tests.nginx.client import fetch
from tests.ports import free_port

_START_SECONDS: Final = 30.0
_PSS: Final = re.compile(r"^Pss:\s*(\d+) kB$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Whole:
    """One that runs."""

    address: Address
    process: subprocess.Popen[bytes]

    def memory(self) -> Mapping[str, float]:
        """Return the MiB of each part by name: what it alone has, and its share of the rest."""
        parts: dict[str, float] = {}
        for pid in family([self.process.pid]):
            with contextlib.suppress(OSError):
                name, size = _name(pid), _proportional_mib(pid)
                parts[name] = parts.get(name, 0.0) + size
        return parts


@contextlib.contextmanager
def run_whole(stage: Stage, upstream: Address) -> Iterator[Whole]:
    """Run `passthru up` with every sidecar that a spec can ask for, on the core of the servers."""
    folder = stage.folder("whole")
    folder.chmod(0o755)
    host, port = stage.network.server, free_port()
    spec = folder / "passthru.json"
    spec.write_text(json.dumps(_settings(folder, (host, port), upstream)), encoding="utf-8")
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            [*stage.network.prefix, sys.executable, "-m", "passthru", "up", str(spec)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        _wait_for_page((host, port), process, folder / "output")
        yield Whole((host, port), process)
    finally:
        process.terminate()
        process.wait(_START_SECONDS)


def _settings(folder: Path, address: Address, upstream: Address) -> Mapping[str, object]:
    """Return a spec; no byte goes through the proxy, for nobody asks the second upstream."""
    return {
        "mode": "lan",
        "state_directory": f"{folder}/state",
        "runtime_directory": f"{folder}/run",
        "listen": {"addresses": [address[0]], "port": address[1]},
        "cache": {"directory": f"{folder}/cache", "size": "20G", "min_free": "1M"},
        "status": {"allow": ["0.0.0.0/0"]},
        "mdns": {"enable": True},
        "upstreams": [
            {"url": f"http://{upstream[0]}:{upstream[1]}", "name": "bench"},
            {"url": "http://127.0.0.1:9", "name": "far", "proxy": "http://127.0.0.1:9"},
        ],
    }


def _wait_for_page(address: Address, process: subprocess.Popen[bytes], output: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            if fetch(address, "/status.json").status == 200:
                return
        time.sleep(0.1)
    raise FetchError(f"passthru up did not come up:\n{output.read_text(encoding='utf-8')[-2000:]}")


def _name(pid: int) -> str:
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    if "passthru" in words:
        return words[words.index("passthru") + 1]
    return words[0].partition(":")[0].rpartition("/")[2]


def _proportional_mib(pid: int) -> float:
    found = _PSS.search(Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii"))
    return int(found[1]) / 1024 if found else 0.0
