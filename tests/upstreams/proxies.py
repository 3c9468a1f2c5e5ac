"""Scripted proxies for tests, in threads."""

import contextlib
import socket
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Final, Self

Script = Callable[[socket.socket], None]
"""What a scripted proxy does with one connection; it is closed afterwards."""

USER: Final = "mole"
PASSWORD: Final = "p@ss:w/rd-S3CRET"
ENCODED: Final = "mole:p%40ss%3Aw%2Frd-S3CRET"


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
