"""The landing page in a real browser, held to its own policy."""

import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typing_extensions import override

from passthru.nginx.page import content_security_policy, landing_page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PAGE = landing_page(
    "http://cache.local", "lan", (("nixos", "https://cache.nixos.org"),), (), "1.2.3"
)

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")


@contextmanager
def served(policy: str) -> Iterator[str]:
    """Serve the page with a policy; yield its origin."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = PAGE.encode()
            self.send_response(200 if self.path == "/" else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Security-Policy", policy)
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def dom(url: str, profile: Path) -> str:
    """Return the document as it is once its script has run."""
    assert CHROMIUM
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"]
    command += ["--no-first-run", "--disable-background-networking", "--disable-sync"]
    command += ["--disable-component-update", f"--user-data-dir={profile}", "--dump-dom", url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=True)
    return done.stdout


def test_script_and_style_run_under_the_policy(tmp_path: Path) -> None:
    """Copy buttons appear, and the address becomes the one the page was reached by."""
    with served(content_security_policy(PAGE)) as origin:
        document = dom(origin, tmp_path / "profile")

    assert len(re.findall(r"<button\b[^>]*>Copy</button>", document)) == 5
    code = "".join(re.findall(r"<code>(.*?)</code>", document, re.DOTALL))
    assert "http://cache.local" not in code
    assert code.count(origin) == 5


def test_page_is_whole_without_script(tmp_path: Path) -> None:
    """A policy that lets no script run leaves every snippet, and no dead button."""
    with served("default-src 'none'") as origin:
        document = dom(origin, tmp_path / "profile")

    assert "<button" not in document
    assert document.count("http://cache.local") >= 5
