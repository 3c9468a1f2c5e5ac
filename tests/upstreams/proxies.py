"""Proxies for tests: scripted ones in threads, and real ones as processes."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.debian import unavailable
from tests.ports import free_port

Script = Callable[[socket.socket], None]
"""What a scripted proxy does with one connection; it is closed afterwards."""

USER: Final = "mole"
PASSWORD: Final = "p@ss:w/rd-S3CRET"
ENCODED: Final = "mole:p%40ss%3Aw%2Frd-S3CRET"
TINY: Final = "word-S3CRET"
"""The one for tinyproxy, whose configuration takes fewer characters."""

_START_SECONDS: Final = 10.0


class FakeProxy:
    """Listens on loopback and does as its script says, which may be changed while it runs."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.count = 0
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self._socket.getsockname()[1]
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for one in list(self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            self.count += 1
            self._open.add(client)
            threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client: socket.socket) -> None:
        client.settimeout(30)
        with client, contextlib.suppress(OSError):
            self.script(client)
        self._open.discard(client)


def receive(stream: socket.socket, count: int) -> bytes:
    """Read exactly so many bytes; OSError at an early end."""
    data = b""
    while len(data) < count:
        piece = stream.recv(count - len(data))
        if not piece:
            raise ConnectionError
        data += piece
    return data


def accept_socks(stream: socket.socket) -> tuple[str, int]:
    """Play a SOCKS 5 proxy that says yes, and return what it was asked for."""
    count = receive(stream, 2)[1]
    receive(stream, count)
    stream.sendall(b"\5\0")
    kind = receive(stream, 4)[3]
    if kind == 3:
        host = receive(stream, receive(stream, 1)[0]).decode()
    else:
        family = socket.AF_INET if kind == 1 else socket.AF_INET6
        host = socket.inet_ntop(family, receive(stream, 4 if kind == 1 else 16))
    port = int.from_bytes(receive(stream, 2), "big")
    stream.sendall(b"\5\0\0\1\0\0\0\0\0\0")
    return host, port


def read_head(stream: socket.socket) -> bytes:
    """Read the head of an HTTP request."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += receive(stream, 1)
    return head


def join(one: socket.socket, other: socket.socket) -> None:
    """Carry bytes between two connections until both ways have ended."""

    def carry(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    back = threading.Thread(target=carry, args=(other, one), daemon=True)
    back.start()
    carry(one, other)
    back.join()


def socks_to(places: Mapping[str, tuple[str, int]]) -> Script:
    """Return the script of a SOCKS proxy that alone knows where names lead."""

    def script(client: socket.socket) -> None:
        name, _port = accept_socks(client)
        with socket.create_connection(places[name]) as far:
            join(client, far)

    return script


class RealProxy:
    """A real proxy on loopback that can be stopped and started again at the same port."""

    def __init__(self, kind: str, folder: Path, *, login: bool, hosts: str) -> None:
        self.kind = kind
        self.port = free_port()
        self._folder = folder
        self._login = login
        self._hosts = hosts
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        """The proxy for a spec, with its user and password if it wants them."""
        scheme = "http" if self.kind == "tinyproxy" else "socks5h"
        who = (f"{USER}:{TINY}@" if self.kind == "tinyproxy" else f"{ENCODED}@") * self._login
        return f"{scheme}://{who}127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and return when it listens."""
        self._process = subprocess.Popen(
            [*self._namespace(), *self._command()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + _START_SECONDS
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            assert self._process.poll() is None, f"{self.kind} did not start"
            assert time.monotonic() < deadline, f"{self.kind} does not listen"
            time.sleep(0.02)

    def stop(self) -> None:
        """End it, and all its connections with it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _command(self) -> list[str]:
        if self.kind == "microsocks":
            login = ["-u", USER, "-P", PASSWORD] if self._login else []
            return ["microsocks", "-i", "127.0.0.1", "-p", str(self.port), *login]
        conf = self._folder / f"tinyproxy-{self.port}.conf"
        login = [f"BasicAuth {USER} {TINY}"] if self._login else []
        conf.write_text(
            "\n".join(
                [
                    *(f"Port {self.port}", "Listen 127.0.0.1", "Timeout 60", "MaxClients 300"),
                    *("LogLevel Critical", *login, ""),
                ]
            )
        )
        return ["tinyproxy", "-d", "-c", str(conf)]

    def _namespace(self) -> list[str]:
        """Give it an /etc/hosts of its own: what it looks up, nobody else here can."""
        if not self._hosts:
            return []
        hosts = self._folder / "hosts"
        hosts.write_text(f"127.0.0.1 localhost\n{self._hosts}\n")
        how = "-m" if os.geteuid() == 0 else "-rm"
        mount = f'mount --bind {hosts} /etc/hosts && exec "$@"'
        return ["unshare", how, "--", "sh", "-c", mount, "sh"]


@contextmanager
def real_proxy(kind: str, *, login: bool = False, hosts: str = "") -> Iterator[RealProxy]:
    """Run a `microsocks` or a `tinyproxy`; `hosts` are lines that only it can look up."""
    if shutil.which(kind) is None:
        unavailable(f"{kind} is not installed")
    if hosts:
        probe = RealProxy.__new__(RealProxy)
        probe._hosts, probe._folder = hosts, Path(tempfile.mkdtemp())
        tried = subprocess.run([*probe._namespace(), "true"], capture_output=True, check=False)
        shutil.rmtree(probe._folder)
        if tried.returncode:
            unavailable("no mount namespace can be made here")
    with tempfile.TemporaryDirectory() as folder:
        proxy = RealProxy(kind, Path(folder), login=login, hosts=hosts)
        try:
            yield proxy
        finally:
            proxy.stop()
