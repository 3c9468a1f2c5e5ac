"""A small server that shows a snapshot as the exporter does, and lets a test change it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from typing_extensions import override

from passthru.stats.page import ASSETS, POLICY, asset, render_status
from passthru.stats.snapshot import Snapshot

BASE: Final = "/status"


class Stage:
    """What is shown at the moment."""

    def __init__(self, snapshot: Snapshot, address: str) -> None:
        self.snapshot = snapshot
        self.address = address
        self.is_down = False
        self.looks = 0
        """How often the page was asked for."""

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"{self.address}{BASE}"

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Return the code, type and body for a path."""
        name = path.partition("?")[0].removeprefix(f"{BASE}/static/")
        if path == BASE:
            self.looks += 1
        if self.is_down:
            return 503, "text/plain", b"the exporter does not answer\n"
        if path == BASE:
            page = render_status(self.snapshot, base=BASE, zone=UTC)
            return 200, "text/html; charset=utf-8", page.encode()
        if path == f"{BASE}.json":
            return 200, "application/json", self.snapshot.model_dump_json(by_alias=True).encode()
        if name in ASSETS:
            body, kind = asset(name)
            return 200, kind, body
        return 404, "text/plain", b"not here\n"


@contextmanager
def staged(snapshot: Snapshot) -> Iterator[Stage]:
    """Serve a snapshot on loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            code, kind, body = stage.answer(self.path)
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Security-Policy", POLICY)
            self.send_header("X-Content-Type-Options", "nosniff")
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        stage = Stage(snapshot, f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield stage
        finally:
            server.shutdown()
