"""A binary cache in memory, served on loopback: the upstream of `passthru demo`."""

import re
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, cast

from typing_extensions import override

_RANGE: Final = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass(slots=True)
class Meter:
    """What an upstream has given, counted across threads."""

    requests: int = 0
    bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, sent: int) -> None:
        """Count one answer with a body of `sent` bytes."""
        with self._lock:
            self.requests += 1
            self.bytes += sent


@dataclass(frozen=True, slots=True)
class MemoryUpstream:
    """A running server; `stop` may be called twice."""

    url: str
    meter: Meter
    server: ThreadingHTTPServer

    def stop(self) -> None:
        """Close the port: connections are refused from now on."""
        self.server.shutdown()
        self.server.server_close()


@contextmanager
def serve_files(files: Mapping[str, bytes]) -> Iterator[MemoryUpstream]:
    """Serve `files` (path without its slash to content) on 127.0.0.1 until the block ends."""
    meter = Meter()
    server = _Server(files, meter)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.daemon = True
    thread.start()
    upstream = MemoryUpstream(f"http://127.0.0.1:{server.server_port}", meter, server)
    try:
        yield upstream
    finally:
        upstream.stop()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, files: Mapping[str, bytes], meter: Meter) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = files
        self.meter = meter

        self._open: set[socket.socket] = set()

    @override
    def get_request(self) -> tuple[socket.socket, object]:
        connection, address = super().get_request()
        self._open.add(connection)
        return connection, address

    @override
    def shutdown_request(self, request: object) -> None:
        self._open.discard(cast("socket.socket", request))
        super().shutdown_request(cast("socket.socket", request))

    @override
    def server_close(self) -> None:
        """Close idle connections too: a stopped upstream must not answer on them."""
        super().server_close()
        for connection in tuple(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: nginx closes idle connections as it likes."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body in one go: apart, Nagle holds the body back for 40 ms
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        path = self.path.partition("?")[0].removeprefix("/")
        content = self.server.files.get(path)
        if content is None:
            self._send(HTTPStatus.NOT_FOUND, b"not found\n", with_body=with_body)
            return
        wanted = _RANGE.fullmatch(self.headers.get("Range", ""))
        if wanted is None:
            self._send(HTTPStatus.OK, content, with_body=with_body)
            return
        start, end = int(wanted[1]), min(int(wanted[2] or len(content)), len(content) - 1)
        if start > end:
            self._send(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, b"", with_body=with_body)
            return
        part = f"bytes {start}-{end}/{len(content)}"
        self._send(
            HTTPStatus.PARTIAL_CONTENT, content[start : end + 1], with_body=with_body, part=part
        )

    def _send(
        self, status: HTTPStatus, body: bytes, *, with_body: bool, part: str | None = None
    ) -> None:
        # Before the answer: whoever has read it may look at the meter at once.
        self.server.meter.count(len(body) if with_body else 0)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Accept-Ranges", "bytes")
        if part:
            self.send_header("Content-Range", part)
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: what was asked for is shown in the table."""
