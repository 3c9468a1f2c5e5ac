"""The upstream of the demo."""

import http.client
import urllib.error
import urllib.request

import pytest

from passthru.cli.memory_upstream import serve_files

FILES = {"a.narinfo": b"text", "nar/b.nar": b"0123456789"}


def test_files_are_served_and_counted() -> None:
    """What was given is what the demo's table says."""
    with serve_files(FILES) as upstream:
        with urllib.request.urlopen(f"{upstream.url}/nar/b.nar", timeout=5) as answer:
            assert answer.read() == b"0123456789"
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{upstream.url}/missing", timeout=5)

        assert upstream.meter.requests == 2
        assert upstream.meter.bytes == len(b"0123456789") + len(b"not found\n")


@pytest.mark.parametrize(
    ("wanted", "status", "body"),
    [
        ("bytes=0-3", 206, b"0123"),
        ("bytes=8-99", 206, b"89"),
        ("bytes=5-", 206, b"56789"),
        ("bytes=10-", 416, b""),
        ("bytes=-3", 200, b"0123456789"),
        ("lines=1-2", 200, b"0123456789"),
    ],
)
def test_ranges_are_kept(wanted: str, status: int, body: bytes) -> None:
    """Large files are filled piece by piece; a range that is not understood is no range."""
    with serve_files(FILES) as upstream:
        connection = http.client.HTTPConnection(upstream.url.removeprefix("http://"), timeout=5)
        connection.request("GET", "/nar/b.nar", headers={"Range": wanted})
        answer = connection.getresponse()

        assert (answer.status, answer.read()) == (status, body)
        connection.close()


def test_head_sends_no_body() -> None:
    """A connection stays usable after it."""
    with serve_files(FILES) as upstream:
        connection = http.client.HTTPConnection(upstream.url.removeprefix("http://"), timeout=5)
        for method, body in (("HEAD", b""), ("GET", b"text")):
            connection.request(method, "/a.narinfo")
            answer = connection.getresponse()
            assert answer.headers["Content-Length"] == "4"
            assert answer.read() == body
        connection.close()

        assert upstream.meter.bytes == 4


def test_stopped_is_stopped_on_open_connections_too() -> None:
    """The cache keeps connections; a demo that says the upstream is gone must not use them."""
    with serve_files(FILES) as upstream:
        connection = http.client.HTTPConnection(upstream.url.removeprefix("http://"), timeout=5)
        connection.request("GET", "/a.narinfo")
        assert connection.getresponse().read() == b"text"
        upstream.stop()

        with pytest.raises((http.client.HTTPException, OSError)):
            _ask_again(connection)
        with pytest.raises(OSError, match="refused"):
            urllib.request.urlopen(upstream.url, timeout=5)
        connection.close()


def _ask_again(connection: http.client.HTTPConnection) -> None:
    connection.request("GET", "/a.narinfo")
    connection.getresponse()
