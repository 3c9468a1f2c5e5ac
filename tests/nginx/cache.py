"""A passthru under test: the pure pipeline, a real nginx, and nothing of the command line."""

import contextlib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final

from passthru.cache.nar_url import PLAIN_HOST
from passthru.nginx.capabilities import Capabilities, parse_capabilities
from passthru.nginx.machine import Machine
from passthru.nginx.plan import Plan, make_plan
from passthru.nginx.render import render
from passthru.nginx.rendering import Rendering
from passthru.nginx.site import Site
from passthru.spec import parse_spec
from tests.nginx.client import Address, Headers, Reply, connect, fetch, read_reply, request_bytes
from tests.nginx.nginxes import NginxBinary
from tests.nginx.origin import Origin

Settings = Mapping[str, Any]
"""A spec as data; Any, because it is written to JSON and parsed as an operator's would be."""

BREAK: Final = "PASSTHRU_TEST_BREAK"
"""Names the variable with more swaps, in JSON: how the tests are shown to notice a fault."""

PLAIN: Final = {"addresses": {PLAIN_HOST: ("127.0.0.1",)}}
"""The facts of a machine on which that host is this one."""

_START_SECONDS: Final = 10.0
_TRIES: Final = 5

_AGREE: Final = 15
"""Answers in a row: old workers accept for 100 ms longer (ngx_master_process_cycle)."""


def free_port() -> int:
    """Return a port below those that the kernel gives to outgoing connections."""
    while True:
        port = random.randint(10_000, 32_000)  # noqa: S311 - no secret
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port


def upstream(origin: Origin | str, name: str, **more: object) -> dict[str, object]:
    """Return the table of one upstream, with timeouts short enough for a test."""
    url = origin if isinstance(origin, str) else origin.url
    return {"url": url, "name": name, "connect_timeout": "1s", "read_timeout": "2s", **more}


def plain(origin: Origin, name: str = "a") -> dict[str, object]:
    """Return the table of one whose narinfos are passed on byte for byte; for machines with PLAIN."""
    return upstream(f"http://{PLAIN_HOST}:{origin.port}", name)


def merge(*settings: Settings) -> dict[str, Any]:
    """Lay settings over one another, tables merged, anything else replaced."""
    merged: dict[str, Any] = {}
    for layer in settings:
        for key, value in layer.items():
            held = merged.get(key)
            if isinstance(held, dict) and isinstance(value, Mapping):
                merged[key] = merge(held, value)
            else:
                merged[key] = value
    return merged


@dataclass
class Cache:
    """One instance; `start` makes it live, `apply` changes it, `stop` ends it."""

    nginx: NginxBinary
    settings: dict[str, Any]
    machine: dict[str, Any] = field(default_factory=dict)
    prefix: tuple[str, ...] = ()
    """What comes before nginx on its command line, such as `unshare -n`."""
    workers: str = "1"
    """With one, what a request stored is there for the next: nginx stores after it has answered."""
    swaps: Mapping[str, str] = field(default_factory=dict)
    """Patterns in the rendering, and what stands there instead: times that no test can wait for."""
    home: Path = field(init=False)
    port: int = field(init=False, default=0)
    tls_port: int = field(init=False, default=0)
    plan: Plan = field(init=False)
    rendering: Rendering = field(init=False)
    process: subprocess.Popen[bytes] | None = field(init=False, default=None)
    _applied: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        """Make the directories; short names, for a unix socket's path may have 107 bytes."""
        self.home = Path(tempfile.mkdtemp(prefix="pt-"))
        self.home.chmod(0o755)

    @property
    def site(self) -> Site:
        """Where this instance keeps its things."""
        return Site(
            state=f"{self.home}/state", runtime=f"{self.home}/run", cache=f"{self.home}/cache"
        )

    @property
    def capabilities(self) -> Capabilities:
        """What this instance's nginx can do."""
        return parse_capabilities(self.nginx.told)

    @property
    def address(self) -> Address:
        """The plain HTTP listener on IPv4 loopback."""
        return ("127.0.0.1", self.port)

    @property
    def url(self) -> str:
        """The address that a spec of another cache would name."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def text(self) -> str:
        """All that was rendered for nginx."""
        return self.rendering.files["http.conf"] + self.rendering.files["server.conf"]

    @property
    def error_log(self) -> str:
        """What nginx has complained about so far."""
        logs = [*sorted(Path(self.site.logs).glob("error*")), self.home / "stderr"]
        return "".join(log.read_text(errors="replace") for log in logs if log.exists())

    def start(self) -> None:
        """Start nginx and return when it answers with this generation; ports are chosen here."""
        for attempt in range(_TRIES):
            if not self.port or attempt:
                self.port, self.tls_port = free_port(), free_port()
            self.write()
            with (self.home / "stderr").open("wb") as stderr:
                self.process = subprocess.Popen(
                    [
                        *self.prefix,
                        *(str(self.nginx.path), "-p", f"{self.site.state}/"),
                        *("-c", f"{self.site.live}/nginx.conf"),
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=stderr,
                    stderr=stderr,
                )
            if self.wait_live():
                return
            if "Address already in use" not in self.error_log:
                break
        raise AssertionError(f"nginx did not start:\n{self.error_log}")

    def write(self) -> None:
        """Render the settings and make them the live generation, without telling nginx."""
        site = self.site
        spec = merge(
            {
                "host_name": "cache.test",
                "state_directory": site.state,
                "runtime_directory": site.runtime,
                "listen": {"addresses": ["127.0.0.1"], "port": self.port},
                "cache": {"directory": site.cache, "size": "1G", "min_free": "1M"},
            },
            {"listen": {"tls_port": self.tls_port}} if self.settings.get("mode") == "tls" else {},
            self.settings,
        )
        self.plan = make_plan(parse_spec(json.dumps(spec)), self.capabilities, self._machine())
        self.rendering = render(self.plan)
        folder = Path(site.generations) / self.rendering.generation
        for name, text in self.rendering.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self._swap(text), encoding="utf-8")
        for place in (site.logs, f"{site.runtime}/temp", site.cache):
            Path(place).mkdir(parents=True, exist_ok=True)
        fresh = Path(f"{site.live}.new")
        fresh.symlink_to(f"generations/{self.rendering.generation}")
        fresh.replace(site.live)

    def apply(self, settings: Settings | None = None, **machine: object) -> None:
        """Lay `settings` and facts of the machine over the present ones and reload."""
        self.settings = merge(self.settings, settings or {})
        self.machine = {**self.machine, **machine}
        self.write()
        self._applied = True
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGHUP)
        assert self.wait_live(), f"nginx did not take the new generation:\n{self.error_log}"

    def wait_live(self) -> bool:
        """Tell whether the generation rendered last answers within some seconds."""
        deadline = time.monotonic() + _START_SECONDS
        in_a_row = 0
        while time.monotonic() < deadline:
            assert self.process is not None
            if self.process.poll() is not None:
                return False
            with contextlib.suppress(OSError, ValueError, HTTPException):
                health = json.loads(fetch(self.site.socket, "/health").body)
                live = health["generation"] == self.rendering.generation
                in_a_row = in_a_row + 1 if live else 0
                if in_a_row > (_AGREE if self._applied else 0):
                    return True
            time.sleep(0.01)
        return False

    def get(self, target: str | bytes, *, headers: Headers = (), timeout: float = 10) -> Reply:
        """GET on a connection of its own."""
        return fetch(self.address, target, headers=headers, timeout=timeout)

    def head(self, target: str) -> Reply:
        """HEAD on a connection of its own."""
        return fetch(self.address, target, method="HEAD")

    def get_all(self, targets: Sequence[str]) -> list[Reply]:
        """GET one after the other on one connection."""
        with connect(self.address) as stream:
            replies = []
            for target in targets:
                stream.sendall(request_bytes(target, close=False))
                replies.append(read_reply(stream))
            return replies

    def stop(self) -> None:
        """End nginx, workers and all, and keep what it stored."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        self.process = None

    def close(self) -> None:
        """End nginx and remove everything."""
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def dump(self) -> None:
        """Print what a failed test needs."""
        sys.stderr.write(f"--- error log of {self.url}\n{self.error_log[-8000:]}\n")
        for log in sorted(Path(self.site.logs).glob("access*")):
            sys.stderr.write(f"--- {log.name}\n{log.read_text(errors='replace')[-4000:]}\n")

    def _swap(self, text: str) -> str:
        usual = {
            "worker_processes auto;": f"worker_processes {self.workers};",
            "buffer=32k flush=1s;": "buffer=32k flush=50ms;",
        }
        broken = json.loads(os.environ.get(BREAK, "{}"))
        for old, new in {**usual, **self.swaps, **broken}.items():
            text = re.sub(old, new, text)
        return text

    def _machine(self) -> Machine:
        root = os.geteuid() == 0
        site = self.site
        machine = Machine(
            name="cache",
            root=root,
            user="root" if root else None,  # a test's directories belong to it alone
            group="root" if root else None,
            open_files=8192,
            ipv6=True,
            ipv6_route=True,
            resolvers=("127.0.0.1",),
            ca_bundle="/etc/ssl/certs/ca-certificates.crt",
            cache_directory=site.cache,
            state_directory=site.state,
            runtime_directory=site.runtime,
            instance="0123abcd",
        )
        return replace(machine, **self.machine)
