"""Who is measured: passthru itself, and what else one could run."""

import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final, assert_never

from passthru.cache.nar_url import PLAIN_HOST
from tests.bench.address import Address
from tests.bench.configurations import files_conf, nixos_conf, varnish_vcl
from tests.bench.fixture import Fixture
from tests.bench.network import Network
from tests.bench.server import Process, Server, start
from tests.nginx.cache import Cache
from tests.nginx.nginxes import NginxBinary
from tests.ports import free_port

_VARNISH_STORE: Final = "2G"
_START_SECONDS: Final = 10.0


class Peer(StrEnum):
    """The columns of the table."""

    PASSTHRU = "passthru"
    FILES = "nginx files"
    NIXOS = "nixos-passthru-cache"
    VARNISH = "varnish"
    DIRECT = "direct"
    SILENT = "without a log"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Stage:
    """What every measurement stands on."""

    network: Network
    fixture: Fixture
    nginx: NginxBinary
    certificate: tuple[str, str]
    work: Path

    def folder(self, name: str) -> Path:
        """Make a new directory."""
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.work))


@dataclass(slots=True)
class Passthru:
    """The product: the real rendering, its log on, one worker, and what runs beside it."""

    cache: Cache
    host: str
    tls: bool
    beside: tuple[subprocess.Popen[bytes], ...]
    """`passthru fills` and `passthru hot`."""

    @property
    def address(self) -> Address:
        """Where clients are served."""
        return self.host, self.cache.tls_port if self.tls else self.cache.port

    @property
    def pids(self) -> tuple[int, ...]:
        """The master, and the sidecars."""
        assert self.cache.process is not None
        return (self.cache.process.pid, *(process.pid for process in self.beside))

    def has_copies(self, count: int) -> bool:
        """Say whether so many narinfos are plain files, within a moment."""
        deadline = time.monotonic() + _START_SECONDS
        while len([*Path(self.cache.site.hot).rglob("*.narinfo")]) < count:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def silence(self) -> None:
        """Turn its log off, and leave the copies of what it showed to be hot."""
        self.cache.swaps = {**self.cache.swaps, r"(?m)^ *access_log /[^;]*;": "access_log off;"}
        self.cache.apply()

    def close(self) -> None:
        """End it and remove what it stored."""
        for process in self.beside:
            process.kill()
            process.wait()
        self.cache.close()


@dataclass(slots=True)
class Homed:
    """A process with a directory that ends with it."""

    process: Process
    home: Path
    address: Address = field(init=False)

    def __post_init__(self) -> None:
        """Take over where it serves."""
        self.address = self.process.address

    @property
    def pids(self) -> tuple[int, ...]:
        """Its first process."""
        return self.process.pids

    def close(self) -> None:
        """End it and remove what it stored."""
        self.process.close()
        shutil.rmtree(self.home, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Direct:
    """No cache at all: the clients speak with the upstream, over the same line."""

    address: Address
    pids: tuple[int, ...] = ()

    def close(self) -> None:
        """Leave it: others need it."""


def is_here(peer: Peer) -> bool:
    """Tell whether what a peer needs is installed."""
    return peer is not Peer.VARNISH or shutil.which("varnishd", path=_PATH) is not None


_PATH: Final = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"


def start_peer(peer: Peer, stage: Stage, upstream: Address, *, tls: bool = False) -> Server:
    """Start one, cold, on the core of the servers."""
    address = (stage.network.server, free_port())
    certificate = stage.certificate if tls else None
    match peer:
        case Peer.PASSTHRU | Peer.SILENT:
            return start_passthru(stage, upstream, tls=tls)
        case Peer.FILES:
            text = files_conf(str(stage.fixture.root), address, certificate)
            return start_nginx(stage, text, address, stage.network.prefix)
        case Peer.NIXOS:
            home = stage.folder("nixos")
            text = nixos_conf(str(home), address, upstream, certificate)
            return start_nginx(stage, text, address, stage.network.prefix, home=home)
        case Peer.VARNISH:
            return _start_varnish(stage, upstream, address)
        case Peer.DIRECT:
            return Direct(upstream)
        case Peer.JSON:
            raise ValueError("that is no server")
        case _:
            assert_never(peer)


def start_passthru(stage: Stage, upstream: Address, *, tls: bool) -> Passthru:
    """Start the product before one upstream, as `passthru up` would with a plain spec.

    So the upstream is cache.nixos.org by name, whose narinfos are passed on as they came.
    """
    settings = {
        "mode": "tls" if tls else "lan",
        "listen": {"addresses": [stage.network.server]},
        "cache": {"size": "20G"},
        "upstreams": [{"url": f"http://{PLAIN_HOST}:{upstream[1]}", "name": "bench"}],
    }
    if tls:
        certificate, key = stage.certificate
        settings["tls"] = {"certificate": certificate, "certificate_key": key}
    machine = {"addresses": {PLAIN_HOST: (upstream[0],)}}
    cache = Cache(stage.nginx, settings, machine, stage.network.prefix)
    cache.start()
    beside = tuple(_start_beside(stage, cache, name) for name in ("fills", "hot"))
    passthru = Passthru(cache, stage.network.server, tls, beside)
    deadline = time.monotonic() + _START_SECONDS
    while not (Path(cache.site.fills_pid_file).exists()):
        if any(one.poll() is not None for one in beside) or time.monotonic() > deadline:
            passthru.close()
            raise RuntimeError("what runs beside nginx did not start")
        time.sleep(0.02)
    return passthru


def _start_beside(stage: Stage, cache: Cache, name: str) -> subprocess.Popen[bytes]:
    """Start a sidecar on the core of the servers."""
    command = [*stage.network.prefix, sys.executable, "-m", "passthru", name]
    return subprocess.Popen(
        [*command, "--settings", f"{cache.site.live}/{name}.json"],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def start_nginx(
    stage: Stage,
    text: str,
    address: Address,
    prefix: tuple[str, ...] = (),
    *,
    home: Path | None = None,
) -> Homed:
    """Start nginx with a configuration of its own; without a prefix on the core of the load."""
    home = home or stage.folder("nginx")
    (home / "nginx.conf").write_text(text, encoding="ascii")
    command = [*prefix, str(stage.nginx.path), "-p", f"{home}/", "-c", f"{home}/nginx.conf"]
    return Homed(start([*command, "-e", "stderr"], address, home / "output"), home)


def _start_varnish(stage: Stage, upstream: Address, address: Address) -> Homed:
    home = stage.folder("varnish")
    (home / "cache.vcl").write_text(varnish_vcl(upstream), encoding="ascii")
    program = shutil.which("varnishd", path=_PATH) or "varnishd"
    command = [
        *(*stage.network.prefix, program, "-F", "-j", "none", "-n", str(home / "varnish")),
        *("-a", f"{address[0]}:{address[1]}", "-f", str(home / "cache.vcl")),
        *("-s", f"malloc,{_VARNISH_STORE}"),
    ]
    return Homed(start(command, address, home / "output"), home)
