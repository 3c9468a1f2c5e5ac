"""Asking an upstream step by step, and telling which one failed."""

import socket
import time
from pathlib import Path

import pytest

from passthru.upstreams.probe import LONGEST_BODY, Question, Step, probe
from tests.nginx.certificates import Authority
from tests.nginx.origin import Fault, Origin
from tests.upstreams.proxies import FakeProxy, accept_socks, join, socks_to

INFO = b"StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 40\n"
FILES = {"/nix-cache-info": INFO}


def question(port: int, **more: object) -> Question:
    """Return a question to 127.0.0.1 that gives up soon."""
    fields = {
        "host": "127.0.0.1",
        "port": port,
        "authority": f"127.0.0.1:{port}",
        "target": "/nix-cache-info",
        "ca_file": None,
        "agent": "passthru/test",
        "patience": 2.0,
        **more,
    }
    return Question(**fields)  # type: ignore[arg-type] # a test's own fields


def test_sound_upstream() -> None:
    """Its answer, its clock and how long it took; the request is as nginx makes it."""
    with Origin(FILES) as origin:
        found = probe(question(origin.port, authorization="Bearer S3CRET"))
        (request,) = origin.requests

    assert (found.failed, found.status, found.body) == (None, 200, INFO)
    assert found.addresses == ("127.0.0.1",)
    assert found.certificate_ends is None
    assert found.answer_seconds is not None
    assert found.connect_seconds is not None
    assert request.headers["host"] == f"127.0.0.1:{origin.port}"
    assert request.headers["authorization"] == "Bearer S3CRET"
    assert request.headers["user-agent"] == "passthru/test"


def test_clocks() -> None:
    """Both are told, to be compared."""
    with Origin(FILES) as origin:
        origin.fail(Fault(headers=(("Date", "Fri, 31 Dec 1999 23:59:59 GMT"),)))
        found = probe(question(origin.port))
        origin.heal()
        origin.fail(Fault(headers=(("Date", "yesterday"),)))
        spoilt = probe(question(origin.port))

    assert found.date == 946684799
    assert found.asked_at == pytest.approx(time.time(), abs=5)
    assert spoilt.date is None


def test_tls(tmp_path: Path) -> None:
    """The chain is verified, and its end is told."""
    authority = Authority(tmp_path)
    with Origin(FILES, tls=authority.context("127.0.0.1", days=20)) as origin:
        found = probe(question(origin.port, ca_file=str(authority.file)))
        other = probe(question(origin.port, ca_file=str(Authority(tmp_path, "other").file)))
        missing = probe(question(origin.port, ca_file="/nonexistent"))

    assert (found.failed, found.status) == (None, 200)
    assert found.certificate_ends == pytest.approx(time.time() + 20 * 86400, abs=120)
    assert other.failed is Step.TLS
    assert "certificate" in (other.fault or "")
    assert missing.failed is Step.TLS


def test_certificate_that_has_ended(tmp_path: Path) -> None:
    """It is said to have."""
    authority = Authority(tmp_path)
    with Origin(FILES, tls=authority.context("127.0.0.1", days=-1)) as origin:
        found = probe(question(origin.port, ca_file=str(authority.file)))

    assert found.failed is Step.TLS
    assert "expired" in (found.fault or "")


def test_name_without_address() -> None:
    """The lookup is the step that failed; RFC 6761 keeps .invalid free."""
    found = probe(question(80, host="cache.invalid"))

    assert found.failed is Step.LOOKUP
    assert found.fault


def test_nobody_listens() -> None:
    """The connection is the step that failed, and the address is named."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        found = probe(question(taken.getsockname()[1]))

    assert found.failed is Step.CONNECT
    assert found.fault == "127.0.0.1: connection refused"


@pytest.mark.parametrize(
    "fault",
    [
        Fault(silent=True),
        Fault(raw=b"\x1b[31m\xff\xfe\r\n\r\n"),
        Fault(raw=b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n" + b"x" * 10),
        Fault(raw=b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n"),
        Fault(raw=b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n"),
        Fault(reset=-1),
        Fault(cut=5),
        Fault(stall=5),
    ],
    ids=str,
)
def test_spoilt_answer(fault: Fault) -> None:
    """Whatever comes, it is told in one line that a terminal can show, in time."""
    with Origin(FILES) as origin:
        origin.fail(fault)
        begun = time.monotonic()
        found = probe(question(origin.port, patience=0.5))

    assert time.monotonic() - begun < 5
    assert found.failed in {None, Step.ANSWER}
    assert (found.fault or "").isprintable()
    assert len(found.fault or "") < 250


def test_endless_answer_is_cut() -> None:
    """No more of a body is read than any nix-cache-info has."""
    with Origin({"/nix-cache-info": b"x" * 10_000_000}) as origin:
        found = probe(question(origin.port))

    assert len(found.body) == LONGEST_BODY


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
def test_through_a_proxy(scheme: str) -> None:
    """A name that only the proxy knows leads there, and is not looked up here."""

    def script(client: socket.socket) -> None:
        accept_socks(client)
        with socket.create_connection(("127.0.0.1", origin.port)) as far:
            join(client, far)

    with Origin(FILES) as origin, FakeProxy(script) as proxy:
        host = "only.there" if scheme == "socks5h" else "127.0.0.1"
        if scheme == "socks5h":
            proxy.script = socks_to({host: ("127.0.0.1", origin.port)})
        found = probe(
            question(origin.port, host=host, proxy=f"{scheme}://u:S3CRET@127.0.0.1:{proxy.port}")
        )

    assert found.addresses == ()
    assert "S3CRET" not in repr(found)
    assert (found.failed, found.fault, found.status) == (None, None, 200)


def test_proxy_that_is_not_there() -> None:
    """The connection is the step that failed, and no password is told."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        proxy = f"http://u:S3CRET@127.0.0.1:{taken.getsockname()[1]}"
        found = probe(question(80, host="only.there", proxy=proxy))

    assert found.failed is Step.CONNECT
    assert "connection refused" in (found.fault or "")
    assert "S3CRET" not in repr(found) + repr(question(80, proxy=proxy))
