"""An address whose packets go nowhere, on loopback: a listener with a full queue."""

import contextlib
import socket
from typing import Self


class Blackhole:
    """Connections to `url` neither succeed nor fail: the kernel drops what no queue has room for."""

    def __init__(self) -> None:
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(0)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._fillers = [self._fill() for _ in range(4)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for one in (*self._fillers, self._listener):
            one.close()

    def _fill(self) -> socket.socket:
        filler = socket.socket()
        filler.settimeout(0.05)
        with contextlib.suppress(OSError):
            filler.connect(("127.0.0.1", self.port))
        return filler
