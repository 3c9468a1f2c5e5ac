"""An exporter's stand-in on a unix socket, which remembers what nginx sent it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from threading import Thread
from typing import Final

from typing_extensions import override

POLICY: Final = "default-src 'none'"


@dataclass
class FakeExporter:
    """What it answers everything with, and what it was asked."""

    status: int = 200
    body: bytes = b"hello\n"
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    """Method, target and headers, their names in small letters."""


@contextmanager
def fake_exporter(socket: str) -> Iterator[FakeExporter]:
    """Answer on `socket` inside the `with`."""
    fake = FakeExporter()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            fake.asked.append((self.command, self.path, headers))
            self.send_response(fake.status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Security-Policy", POLICY)
            self.send_header("Cache-Control", "no-store")
            self.send_header("ETag", '"1"')
            self.send_header("Content-Length", str(len(fake.body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(fake.body)

        do_HEAD = do_GET  # noqa: N815 - the names that the library looks for

        @override
        def address_string(self) -> str:
            return "nginx"

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    Path(socket).unlink(missing_ok=True)
    with ThreadingUnixStreamServer(socket, Handler) as server:
        server.daemon_threads = True  # of connections that nginx keeps for a minute
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield fake
        finally:
            server.shutdown()
            thread.join()
            Path(socket).unlink(missing_ok=True)
