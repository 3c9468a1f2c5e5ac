"""The upstream of all caches, and the lines that lead to it."""

import contextlib
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.address import Address
from tests.bench.configurations import upstream_conf
from tests.bench.peers import Stage, start_nginx
from tests.bench.server import start
from tests.ports import free_port

_SETTLE: Final = 0.1


@dataclass(frozen=True, slots=True)
class Line:
    """How far away the upstream is: a round trip in seconds, rates in bytes a second."""

    name: str
    delay: float = 0.0
    rate: float = 0.0
    connection_rate: float = 0.0


LOOPBACK: Final = Line("loopback")
FAR: Final = Line("20 ms", delay=0.02)
GIGABIT: Final = Line("20 ms, 1 Gbit/s", delay=0.02, rate=125e6)
SLOW: Final = Line("10 MB/s a connection", connection_rate=10e6)
"""nginx's limit_rate would let each request burst, which flatters whoever asks in pieces."""


@dataclass(slots=True)
class Upstream:
    """It serves the fixture and knows what it was asked."""

    address: Address
    log: Path
    _seen: int = 0

    def forget(self) -> None:
        """Count from here on."""
        time.sleep(_SETTLE)
        self._seen = self.log.stat().st_size

    def asked(self) -> list[tuple[str, int]]:
        """Return the targets and the bytes of the bodies that were sent, since `forget`."""
        time.sleep(_SETTLE)
        with self.log.open("rb") as log:
            log.seek(self._seen)
            lines = log.read().decode("utf-8", "replace").splitlines()
        return [(line.split(" ")[0], int(line.split(" ")[-1])) for line in lines]


@contextlib.contextmanager
def serve_upstream(stage: Stage) -> Iterator[Upstream]:
    """Serve the fixture beside the load generator."""
    address = (stage.network.load, free_port())
    home = stage.folder("upstream")
    log = home / "asked.log"
    text = upstream_conf(str(stage.fixture.root), address, str(log))
    process = start_nginx(stage, text, address, home=home)
    try:
        yield Upstream(address, log)
    finally:
        process.close()


@contextlib.contextmanager
def lay_line(line: Line, stage: Stage, upstream: Upstream) -> Iterator[Address]:
    """Return the address at which `upstream` is as far away as `line` says."""
    if line == LOOPBACK:
        yield upstream.address
        return
    address = (stage.network.load, free_port())
    ends = [f"{host}:{port}" for host, port in (address, upstream.address)]
    options = {
        "--delay": line.delay,
        "--rate": line.rate,
        "--connection-rate": line.connection_rate,
    }
    words = [word for name, value in options.items() for word in (name, str(value))]
    command = [sys.executable, "-m", "tests.bench.relay", *ends, *words]
    process = start(command, address, stage.work / "relay.output")
    try:
        yield address
    finally:
        process.close()


@contextlib.contextmanager
def hanging_upstream(stage: Stage) -> Iterator[Address]:
    """Return an address where the kernel takes connections and requests, and nobody answers."""
    with socket.create_server((stage.network.load, 0), backlog=512) as listener:
        host, port = listener.getsockname()[:2]
        yield host, port
