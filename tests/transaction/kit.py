"""A site, tiny renderings for it, and the processes under test."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from passthru.nginx.generation import named_by
from passthru.nginx.health import ask_health
from passthru.nginx.master import find_master, serving_workers
from passthru.nginx.rendering import Rendering
from passthru.nginx.site import Site
from tests.waiting import eventually

HERE: Final = Path(__file__).parent

NGINX_CONF: Final = """
daemon off;
worker_processes 2;
pid {site.pid_file};
error_log {site.logs}/error.log warn;
events {{ worker_connections 64; }}
http {{
    client_body_temp_path {site.runtime}/temp/body;
    proxy_temp_path {site.runtime}/temp/proxy;
    fastcgi_temp_path {site.runtime}/temp/fastcgi;
    uwsgi_temp_path {site.runtime}/temp/uwsgi;
    scgi_temp_path {site.runtime}/temp/scgi;
    access_log {site.logs}/access.log;
    include http.conf;
    server {{
        listen unix:{site.socket};
        include server.conf;
    }}
}}
"""

SERVER_CONF: Final = """
location = /health {{
    default_type application/json;
    return 200 '{{"status":"ok","cache":"passthru","version":"0","generation":"{says}"}}';
}}
"""


def tiny(
    site: Site, generation: str, *, http: str = "", server: str = "", says: str | None = None
) -> Rendering:
    """Return the least configuration that the control plane can work with."""
    return Rendering(
        generation=generation,
        files={
            "nginx.conf": NGINX_CONF.format(site=site),
            "http.conf": http + "\n",
            "server.conf": SERVER_CONF.format(says=says or generation) + server + "\n",
            "pages/index.html": "hello\n",
        },
    )


def write_rendering(path: Path, rendering: Rendering) -> None:
    """Put a rendering where up_process.py finds it, whole."""
    record = {"generation": rendering.generation, "files": dict(rendering.files)}
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(record))
    beside.chmod(0o644)
    beside.replace(path)


def run_below(site: Site) -> set[int]:
    """Return all other processes that have a file of the site open, or name it."""
    root = str(Path(site.state).parent)
    found = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with suppress(OSError):
            links = [str(link.readlink()) for link in (entry / "fd").iterdir()]
            command = (entry / "cmdline").read_bytes().decode(errors="replace")
            if any(link.startswith(root) for link in links) or root in command:
                found.add(int(entry.name))
    return found


def is_gone(pid: int) -> bool:
    """Say whether a process has ended; one that nobody has reaped yet counts as ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return True
    return stat.rpartition(b")")[2].split()[0] in {b"Z", b"X"}


def serves(site: Site) -> str:
    """Return the generation that answers."""
    return ask_health(site).generation


def picture(site: Site) -> tuple[str | None, str | None, str, set[int]]:
    """Return all that a transaction without effect must leave as it was."""
    workers = set(serving_workers(site, find_master(site)))
    return named_by(site.live), named_by(site.good), serves(site), workers


def get(site: Site, path: str, *, port: int | None = None) -> socket.socket:
    """Send a request and return the connection, to be read at leisure."""
    if port is None:
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(site.socket)
    else:
        connection = socket.create_connection(("127.0.0.1", port))
    connection.settimeout(20)
    connection.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
    return connection


def read_all(connection: socket.socket) -> bytes:
    """Read until the other side closes; what came before it broke off counts."""
    parts = []
    with connection, suppress(ConnectionError):
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def slow(folder: Path, *, seconds: float) -> str:
    """Return a location /slow that takes so long, and writes its file."""
    size = 200_000
    (folder / "slow").write_bytes(b"x" * size)
    return f"location = /slow {{ root {folder}; limit_rate {int(size / seconds)}; }}"


class Up:
    """A process that does what `passthru up` does."""

    def __init__(self, site: Site, rendering: Rendering, **settings: Any) -> None:  # noqa: ANN401 - JSON
        """Start it; `settings` are those of up_process.py."""
        self.site = site
        self.spec = Path(site.state).parent / "spec.json"
        self.write(rendering)
        popen = settings.pop("popen", {})
        instructions = {
            "site": [site.state, site.runtime, site.cache],
            "spec": str(self.spec),
            **settings,
        }
        self._log = Path(site.state).parent / f"up-{time.monotonic_ns()}.log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, HERE / "up_process.py", json.dumps(instructions)],
                stderr=log,
                stdout=log,
                **popen,
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    @property
    def said(self) -> str:
        """All that it wrote, on both channels."""
        return self._log.read_text()

    def write(self, rendering: Rendering) -> None:
        """Let the next reload find `rendering`."""
        write_rendering(self.spec, rendering)

    def ready(self) -> "Up":
        """Wait until it says so."""
        assert eventually(lambda: "ready\n" in self.said or self.process.poll() is not None)
        assert "ready\n" in self.said, self.said
        return self

    def send(self, number: signal.Signals) -> None:
        """Signal it."""
        os.kill(self.pid, number)

    def ended(self, *, seconds: float = 15.0) -> int:
        """Wait for its end and return its exit status."""
        return self.process.wait(timeout=seconds)


@contextmanager
def up(site: Site, rendering: Rendering, **settings: Any) -> Iterator[Up]:  # noqa: ANN401 - JSON
    """Run an Up, not waiting until it is ready, and let nothing of the site outlive it."""
    running = Up(site, rendering, **settings)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.send(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                running.ended()
        running.process.kill()
        running.process.wait()
        for pid in run_below(site):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def apply_elsewhere(
    site: Site, rendering: Rendering, *, kill_at: str = "", wait_at: str = ""
) -> subprocess.Popen[str]:
    """Start a process that applies `rendering` as `passthru apply` does; see apply_process.py."""
    instructions = {
        "site": [site.state, site.runtime, site.cache],
        "generation": rendering.generation,
        "files": dict(rendering.files),
        "kill_at": kill_at,
        "wait_at": wait_at,
    }
    return subprocess.Popen(
        [sys.executable, HERE / "apply_process.py", json.dumps(instructions)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def pids_in(text: str) -> list[int]:
    """Return the numbers that an error names as processes."""
    return [int(found) for found in re.findall(r"process (\d+)", text)]
