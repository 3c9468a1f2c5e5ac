"""An upstream that has nothing and says so ten thousand times a second."""

import asyncio
import threading
from typing import Final, Self

from typing_extensions import override

_NO: Final = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


class Nothing:
    """Answers every request with a 404 without a body, on kept connections."""

    def __init__(self) -> None:
        self.asked: set[bytes] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _run(self) -> None:
        server = self._loop.run_until_complete(
            self._loop.create_server(lambda: _Talk(self), "127.0.0.1", 0, backlog=512)
        )
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for transport in list(_Talk.open):
            transport.abort()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()


class _Talk(asyncio.Protocol):
    open: Final[set[asyncio.Transport]] = set()

    def __init__(self, upstream: Nothing) -> None:
        self._upstream = upstream
        self._buffer = b""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.open.add(transport)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.open.discard(self._transport)

    @override
    def data_received(self, data: bytes) -> None:
        self._buffer += data
        *whole, self._buffer = self._buffer.split(b"\r\n\r\n")
        for head in whole:
            self._upstream.asked.add(head.split(b" ", 2)[1])
            self._transport.write(_NO)
