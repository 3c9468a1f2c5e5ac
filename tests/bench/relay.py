"""A TCP relay that behaves as a long or narrow line; run as a program, ended by a signal.

A chunk that came in leaves when the line is free (its rate) and arrives half a round trip later.
A new connection costs its first bytes one round trip more, as a handshake would. There is no loss
and no slow start.
"""

import argparse
import asyncio
import contextlib
import socket
from dataclasses import dataclass
from typing import Final

_CHUNK: Final = 1 << 16
_CHUNKS: Final = 256
"""Chunks under way in one direction of one connection: its window."""

_BACKLOG: Final = 0.005
"""Seconds of a line's rate that may queue before it: a router's buffer."""

_Chunk = tuple[float, bytes]


@dataclass(slots=True)
class Line:
    """One direction of a line; `rate` in bytes a second, 0 for none."""

    rate: float
    free: float = 0.0

    def reserve(self, size: int, now: float) -> float:
        """Return when the last of `size` bytes will have left."""
        self.free = max(self.free, now) + (size / self.rate if self.rate else 0.0)
        return self.free


@dataclass(frozen=True, slots=True)
class Relay:
    """Where to, how long a round trip takes (seconds), and how wide the line is (bytes a second)."""

    target: tuple[str, int]
    delay: float
    rate: float
    connection_rate: float
    up: Line
    down: Line

    async def serve(self, listen: tuple[str, int]) -> None:
        """Accept until cancelled."""
        loop = asyncio.get_running_loop()
        with socket.create_server(listen, backlog=512) as listener:
            listener.setblocking(False)  # noqa: FBT003 - the name of the method says it
            tasks: set[asyncio.Task[None]] = set()
            while True:
                client, _ = await loop.sock_accept(listener)
                task = asyncio.create_task(self._carry(client))
                tasks.add(task)
                task.add_done_callback(tasks.discard)

    async def _carry(self, client: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        accepted = loop.time()
        server = socket.socket()
        with client, server, contextlib.suppress(OSError):
            for end in (client, server):
                end.setblocking(False)  # noqa: FBT003 - likewise
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await loop.sock_connect(server, self.target)
            own = self.connection_rate
            up, down = (Line(own), Line(own)) if own else (self.up, self.down)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(client, server, up, accepted + self.delay))
                group.create_task(self._pump(server, client, down, 0.0))

    async def _pump(
        self, source: socket.socket, sink: socket.socket, line: Line, opened: float
    ) -> None:
        queue: asyncio.Queue[_Chunk] = asyncio.Queue(_CHUNKS)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._take(source, queue, line, opened))
            group.create_task(_give(sink, queue))

    async def _take(
        self, source: socket.socket, queue: asyncio.Queue[_Chunk], line: Line, opened: float
    ) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                data = await loop.sock_recv(source, _CHUNK)
            except OSError:
                data = b""
            now = max(loop.time(), opened)
            left = line.reserve(len(data), now)
            await queue.put((left + self.delay / 2, data))
            if not data:
                return
            if left - now > _BACKLOG:
                await asyncio.sleep(left - now - _BACKLOG)


async def _give(sink: socket.socket, queue: asyncio.Queue[_Chunk]) -> None:
    loop = asyncio.get_running_loop()
    broken = False
    while True:
        due, data = await queue.get()
        if (wait := due - loop.time()) > 0:
            await asyncio.sleep(wait)
        try:
            if not data:
                sink.shutdown(socket.SHUT_WR)
            elif not broken:
                await loop.sock_sendall(sink, data)
        except OSError:
            broken = True
            with contextlib.suppress(OSError):
                sink.shutdown(socket.SHUT_RDWR)
        if not data:
            return


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


def main() -> None:
    """Run one relay, as the arguments say."""
    parser = argparse.ArgumentParser(prog="relay")
    parser.add_argument("listen", type=_address)
    parser.add_argument("target", type=_address)
    parser.add_argument("--delay", type=float, default=0, help="round trip in seconds")
    parser.add_argument("--rate", type=float, default=0, help="of the line, bytes a second")
    parser.add_argument("--connection-rate", type=float, default=0, help="of each connection")
    given = parser.parse_args()
    relay = Relay(
        given.target,
        given.delay,
        given.rate,
        given.connection_rate,
        Line(given.rate),
        Line(given.rate),
    )
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(relay.serve(given.listen))


if __name__ == "__main__":
    main()
