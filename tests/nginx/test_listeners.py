"""Where clients come in: IPv4, IPv6, TLS with HTTP/2, and the redirect beside it."""

import json
import re
import socket
import ssl
import subprocess
from pathlib import Path

import pytest

from tests.nginx.cache import Cache
from tests.nginx.certificates import Authority
from tests.nginx.client import exchange, fetch
from tests.nginx.conftest import MakeOrigin, StartCache
from tests.nginx.origin import Origin
from tests.nginx.samples import NAR, NARINFO, narinfo, narinfo_path, noise


@pytest.fixture
def secure(cache: StartCache, origin: Origin, tmp_path: Path) -> tuple[Cache, Path]:
    """Return a cache in mode "tls" and the file of its authority."""
    authority = Authority(tmp_path)
    certificate, key = authority.issue("cache.test")
    tls = {"certificate": str(certificate), "certificate_key": str(key)}
    origin.files = {NARINFO: narinfo(), NAR: noise(100_000)}
    return cache(origin, mode="tls", tls=tls), authority.file


@pytest.mark.core
@pytest.mark.parametrize("addresses", [["127.0.0.1", "::1"], ["*"], ["::1"]])
def test_both_internet_protocols_are_listened_on(
    addresses: list[str], cache: StartCache, origin: Origin
) -> None:
    """Every address of the spec is served, and no other."""
    origin.files[NARINFO] = narinfo()
    one = cache(origin, listen={"addresses": addresses})
    reachable = {"127.0.0.1", "::1"} if addresses == ["*"] else set(addresses)

    for host in ("127.0.0.1", "::1"):
        if host in reachable:
            assert fetch((host, one.port), NARINFO).body == narinfo()
        else:
            with pytest.raises(ConnectionRefusedError):
                fetch((host, one.port), NARINFO)


def test_an_upstream_on_ipv6_is_asked(cache: StartCache, origins: MakeOrigin) -> None:
    """An upstream whose URL is an IPv6 address in brackets works, and gets that as its Host."""
    origin = origins({NARINFO: narinfo()}, host="::1")
    one = cache(origin)

    assert one.get(NARINFO).body == narinfo()
    assert origin.requests[0].headers["host"] == f"[::1]:{origin.port}"


@pytest.mark.core
def test_tls_offers_http2(secure: tuple[Cache, Path]) -> None:
    """ALPN gives HTTP/2 to those who ask, and HTTP/1.1 to others; the certificate is the spec's."""
    one, authority = secure
    chosen = {}
    for offer in (["h2", "http/1.1"], ["http/1.1"]):
        context = ssl.create_default_context(cafile=str(authority))
        context.set_alpn_protocols(offer)
        with (
            socket.create_connection(("127.0.0.1", one.tls_port), 5) as plain,
            context.wrap_socket(plain, server_hostname="cache.test") as stream,
        ):
            chosen[offer[0]] = stream.selected_alpn_protocol()

    assert chosen == {"h2": "h2", "http/1.1": "http/1.1"}


@pytest.mark.core
def test_http2_serves_the_same_bytes(secure: tuple[Cache, Path]) -> None:
    """HTTP/2 gets narinfos and NARs, cold and warm, and so does HTTP/1.1."""
    one, authority = secure

    for version, name in (("--http2", "2"), ("--http1.1", "1.1")):
        for path, body in ((NARINFO, narinfo()), (NAR, noise(100_000))):
            told, got = _curl(one, authority, path, version)
            assert (told["http_version"], told["http_code"]) == (name, 200)
            assert got == body
    told, got = _curl(one, authority, NAR, "--http2", "-r", "50000-")
    assert (told["http_code"], got) == (206, noise(100_000)[50_000:])
    told, _ = _curl(one, authority, "/nowhere", "--http2")
    assert told["http_code"] == 404
    told, _ = _curl(one, authority, NARINFO, "--http2", "-X", "DELETE")
    assert told["http_code"] == 405


def test_a_closure_comes_over_one_http2_connection(
    secure: tuple[Cache, Path], origin: Origin
) -> None:
    """Two hundred narinfos at once over one HTTP/2 connection all arrive, as a new Nix asks them."""
    one, authority = secure
    origin.files |= {narinfo_path(number): narinfo(note=str(number)) for number in range(200)}
    urls = [_url(one, narinfo_path(number)) for number in range(200)]

    run = subprocess.run(
        [
            *("curl", "-sS", "--http2", "-Z", "--parallel-max", "50", "--cacert", str(authority)),
            *(*_at(one), "-w", "%{stderr}%{http_version} %{http_code} %{num_connects}\\n", *urls),
        ],
        capture_output=True,
        check=True,
        text=True,
        timeout=20,
    )

    assert run.stdout.count("StorePath: ") == 200
    told = re.findall(r"(\S+) (\d{3}) (\d+)$", run.stderr, re.MULTILINE)  # beside the progress
    assert len(told) == 200
    assert {(version, code) for version, code, _ in told} == {("2", "200")}
    assert sum(int(connects) for *_, connects in told) <= 2


@pytest.mark.core
def test_plain_http_is_sent_to_the_tls_port(secure: tuple[Cache, Path], origin: Origin) -> None:
    """The plain port redirects everybody, path and query kept, to the host of the spec."""
    one, _ = secure
    target = f"https://cache.test:{one.tls_port}"

    for path in ("/", NARINFO, "/nar/a.nar?hash=b%2Fc"):
        reply = fetch(one.address, path)
        assert reply.status in (301, 308)
        assert reply.get("Location") == f"{target}{path}"
    assert origin.requests == []


def test_plain_http_spoken_to_the_tls_port_is_told(secure: tuple[Cache, Path]) -> None:
    """Plain HTTP on the TLS port gets a redirect or a 400, without an HTML page of nginx's own."""
    one, _ = secure

    answer = exchange(
        ("127.0.0.1", one.tls_port),
        b"GET / HTTP/1.1\r\nHost: cache.test\r\nConnection: close\r\n\r\n",
    )

    assert answer.split(b" ")[1] in (b"301", b"308", b"400"), answer


def test_old_tls_is_refused(secure: tuple[Cache, Path]) -> None:
    """TLS 1.1 is not spoken."""
    one, authority = secure
    run = subprocess.run(
        ["curl", "-sS", "--tls-max", "1.1", "--cacert", str(authority), *_at(one), _url(one, "/")],
        capture_output=True,
        check=False,
        timeout=10,
    )

    assert run.returncode in (4, 35)


def test_the_unix_socket_is_plain_in_every_mode(secure: tuple[Cache, Path]) -> None:
    """The control plane's socket speaks plain HTTP and serves everything, in mode "tls" too."""
    one, _ = secure

    assert json.loads(fetch(one.site.socket, "/health").body)["status"] == "ok"
    assert fetch(one.site.socket, NARINFO).body == narinfo()


def _at(one: Cache) -> list[str]:
    return ["--resolve", f"cache.test:{one.tls_port}:127.0.0.1"]


def _url(one: Cache, path: str) -> str:
    return f"https://cache.test:{one.tls_port}{path}"


def _curl(one: Cache, authority: Path, path: str, *options: str) -> tuple[dict[str, object], bytes]:
    run = subprocess.run(
        [
            *("curl", "-sS", "--cacert", str(authority), *_at(one), *options),
            *("-w", "%{stderr}%{json}", _url(one, path)),
        ],
        capture_output=True,
        check=True,
        timeout=20,
    )
    told: dict[str, object] = json.loads(run.stderr)
    return told, run.stdout
