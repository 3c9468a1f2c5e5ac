"""The whole: `passthru up`, clients that fetch through it, and the page open beside them."""

import time
import urllib.error
import urllib.request
from pathlib import Path

from passthru.cli.memory_upstream import serve_files
from passthru.nix.demo_packages import demo_cache
from passthru.stats.snapshot import Snapshot
from passthru.stats.words import format_bytes
from tests.nix.running import Passthru
from tests.pages.browser import Browser
from tests.pages.document import Document
from tests.ports import free_port


def fetched(url: str) -> bytes:
    """Return what is at a URL."""
    with urllib.request.urlopen(url, timeout=20) as answer:
        body: bytes = answer.read()
        return body


def await_exporter(address: str) -> None:
    """Wait until the page is answered: the exporter starts beside nginx, a moment later."""
    deadline = time.monotonic() + 30
    while True:
        try:
            fetched(f"{address}/status")
        except urllib.error.HTTPError as error:
            if error.code != 503 or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def await_count(address: str, requests: int) -> float:
    """Wait until so many requests are counted; return when they were."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        now = Snapshot.model_validate_json(fetched(f"{address}/status.json"))
        if now.tallies.total.cacheable_requests >= requests:
            return now.taken_at
        time.sleep(0.2)
    raise TimeoutError("the requests were not counted")


def test_page_fills_while_clients_fetch(browser: Browser, folder: Path) -> None:
    """It begins as an invitation, moves by itself, and says what status.json says."""
    files = demo_cache(paths=6).files
    packages = [name for name in files if name.endswith(".narinfo") or name.startswith("nar/")]
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with serve_files(files) as upstream, browser.page() as page:
        spec: dict[str, object] = {
            "state_directory": str(folder / "state"),
            "runtime_directory": str(folder / "run"),
            "listen": {"addresses": ["127.0.0.1"], "port": port},
            "cache": {"directory": str(folder / "cache"), "size": "1G", "min_free": "1M"},
            "upstreams": [{"url": upstream.url, "name": "demo"}],
        }
        with Passthru(spec, address=address, folder=folder):
            await_exporter(address)
            page.goto(f"{address}/")
            page.run("document.querySelector('header a').click()")
            page.wait("document.querySelector('#invitation, #tiles') !== null")
            assert "Nobody has asked this cache yet" in page.text("#invitation")

            for _ in range(3):
                for name in packages:
                    assert fetched(f"{address}/{name}") == files[name]
            counted = await_count(address, 3 * len(packages))
            page.wait(f"Date.parse(document.querySelector('#taken').dateTime) > {counted} * 1000")
            shown = Document(page.html())
            now = Snapshot.model_validate_json(fetched(f"{address}/status.json"))

        assert page.complaints() == []
    values = {element.get("value") for element in shown.all("data")}
    total = now.tallies.total
    assert now.headline.text.lower() == shown.id("title").words.lower()
    assert shown.id("saved-today").words == format_bytes(now.tallies.today.saved_bytes)
    assert {str(total.saved_bytes), str(total.served_bytes), str(total.fetched_bytes)} <= values
    assert total.saved_bytes >= 2 * sum(len(files[name]) for name in packages)
