"""The landing page in a real Chromium: its script runs, under its policy and under none at all."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from typing_extensions import override

from passthru.nginx.page import content_security_policy, landing_page
from tests.pages.browser import Browser
from tests.pages.document import Document

KEY = "lab.example.org-1:mB9FSh9qf2dCimDSUo8Zy7bkq5CUFl1UAlzaPLNs0RQ="
PAGE = landing_page(
    "http://cache.local",
    "lan",
    (("nixos", "https://cache.nixos.org"), ("lab", "https://" + "long." * 30 + "example.org")),
    (KEY,),
    "1.2.3",
    status="/status",
)
BACKGROUND = "getComputedStyle(document.body).backgroundColor"


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


def test_script_and_style_run_under_the_policy(browser: Browser) -> None:
    """Copy buttons appear, and the address becomes the one the page was reached by."""
    with served(content_security_policy(PAGE)) as origin, browser.page() as page:
        page.goto(origin)
        document = Document(page.html())

        assert [button.words for button in document.all("button")] == ["Copy"] * 5
        code = "".join(element.text for element in document.all("code"))
        assert "http://cache.local" not in code
        assert code.count(origin) == 5
        assert page.complaints() == []
        assert [url for url in page.asked() if not url.startswith(("data:", f"{origin}/"))] == []


def test_page_is_whole_without_script(browser: Browser) -> None:
    """A policy that lets no script run leaves every snippet, and no dead button."""
    with served("default-src 'none'") as origin, browser.page() as page:
        page.goto(origin)
        document = Document(page.html())

    assert document.all("button") == []
    assert sum(e.text.count("http://cache.local") for e in document.all("code")) == 5


def test_theme_chosen_on_the_status_page_holds(browser: Browser) -> None:
    """They are of one origin, and look it."""
    with served(content_security_policy(PAGE)) as origin, browser.page() as page:
        page.goto(origin)
        light = page.run(BACKGROUND)
        page.run("localStorage.setItem('passthru-theme', 'dark')")
        page.goto(origin)

        assert page.run(BACKGROUND) != light
        assert page.run("document.documentElement.dataset.theme") == "dark"


@pytest.mark.parametrize("width", [360, 1200])
def test_nobody_scrolls_to_the_side(browser: Browser, width: int) -> None:
    """Long lines scroll in their block, long addresses break."""
    with served(content_security_policy(PAGE)) as origin, browser.page(width=width) as page:
        page.goto(origin)

        assert not page.is_too_wide()
