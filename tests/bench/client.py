"""An HTTP/1.1 client in one thread that costs little: bodies are dropped inside the kernel."""

import itertools
import select
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.bench.address import Address

_DROP: Final = 1 << 20
_BUFFER: Final = bytearray(_DROP)
_HEAD: Final = 1 << 14


@dataclass(frozen=True, slots=True)
class Fetched:
    """One answer; times in seconds since the whole run began, `began` the request's own."""

    target: str
    status: int
    size: int
    began: float
    first: float
    last: float


@dataclass(frozen=True, slots=True)
class Run:
    """All answers of one run, and the bytes of bodies that came, of unfinished ones too."""

    fetched: list[Fetched]
    seconds: float
    size: int


@dataclass(slots=True)
class _Connection:
    socket: socket.socket
    target: str = ""
    began: float = 0.0
    first: float = 0.0
    status: int = 0
    size: int = 0
    left: int | None = None
    """Bytes of the body still to come; None: the head is."""
    head: bytearray = field(default_factory=bytearray)


class FetchError(Exception):
    """An answer that this client cannot measure."""


def fetch_all(
    address: Address,
    targets: Sequence[str],
    connections: int,
    *,
    seconds: float | None = None,
    patience: float = 60.0,
) -> Run:
    """Fetch each target once, or go round for `seconds`; FetchError after `patience` seconds.

    All connections are open before the clock starts; each takes the next target when it is free.
    """
    supply = iter(targets) if seconds is None else itertools.cycle(targets)
    open_ones = {}
    for _ in range(min(connections, len(targets)) if seconds is None else connections):
        stream = socket.create_connection(address, timeout=10)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream.setblocking(False)  # noqa: FBT003 - the name of the method says it
        open_ones[stream.fileno()] = _Connection(stream)
    try:
        return _Session(f"{address[0]}:{address[1]}", open_ones, supply, seconds, patience).run()
    finally:
        for connection in open_ones.values():
            connection.socket.close()


class _Session:
    def __init__(
        self,
        host: str,
        connections: dict[int, _Connection],
        supply: Iterator[str],
        seconds: float | None,
        patience: float,
    ) -> None:
        self.host = host
        self.connections = connections
        self.supply = supply
        self.seconds = seconds
        self.patience = patience
        self.fetched: list[Fetched] = []
        self.size = 0
        self.busy = 0
        self.start = 0.0

    def run(self) -> Run:
        poll = select.epoll()
        self.start = time.perf_counter()
        for number, connection in self.connections.items():
            poll.register(number, select.EPOLLIN)
            self._ask(connection)
        limit = self.seconds if self.seconds is not None else self.patience
        now = 0.0
        with poll:
            while self.busy and now < limit:
                for number, _ in poll.poll(limit - now):
                    self._read(self.connections[number])
                now = time.perf_counter() - self.start
        if self.busy and self.seconds is None:
            raise FetchError(f"{self.busy} answers not complete after {self.patience:g} s")
        return Run(self.fetched, now, self.size)

    def _ask(self, connection: _Connection) -> None:
        target = next(self.supply, None)
        if target is None:
            return
        self.busy += 1
        connection.target = target
        connection.left = None
        connection.size = 0
        connection.head.clear()
        connection.first = 0.0
        connection.began = time.perf_counter() - self.start
        connection.socket.send(f"GET {target} HTTP/1.1\r\nHost: {self.host}\r\n\r\n".encode())

    def _read(self, connection: _Connection) -> None:
        try:
            if connection.left is None:
                self._read_head(connection)
            else:
                want = min(connection.left, _DROP)
                # tcp(7): with MSG_TRUNC the bytes are dropped and not copied
                got = connection.socket.recv_into(_BUFFER, want, socket.MSG_TRUNC)
                self._count(connection, got)
        except BlockingIOError:
            return
        except OSError as error:
            raise FetchError(f"{connection.target}: {error}") from error

    def _read_head(self, connection: _Connection) -> None:
        data = connection.socket.recv(_HEAD)
        if not data:
            raise FetchError(f"{connection.target}: closed without an answer")
        if not connection.head:
            connection.first = time.perf_counter() - self.start
        connection.head += data
        head, end, body = bytes(connection.head).partition(b"\r\n\r\n")
        if not end:
            return
        lines = head.lower().split(b"\r\n")
        lengths = [line.split(b":")[1] for line in lines if line.startswith(b"content-length:")]
        if not lengths:
            raise FetchError(f"{connection.target}: an answer without a length: {head[:80]!r}")
        connection.status = int(lines[0].split()[1])
        connection.left = int(lengths[0])
        self._count(connection, len(body), of_head=True)

    def _count(self, connection: _Connection, got: int, *, of_head: bool = False) -> None:
        assert connection.left is not None
        if not got and connection.left and not of_head:
            raise FetchError(f"{connection.target}: cut {connection.left} bytes before its end")
        self.size += got
        connection.size += got
        connection.left -= got
        if connection.left:
            return
        self.busy -= 1
        self.fetched.append(
            Fetched(
                connection.target,
                connection.status,
                connection.size,
                connection.began,
                connection.first,
                time.perf_counter() - self.start,
            )
        )
        self._ask(connection)
