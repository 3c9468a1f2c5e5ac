"""Upstreams behind a proxy: nginx, a tunnel and real SOCKS and HTTP proxies in a row."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from passthru.errors import RenderError
from tests.checkout import ROOT
from tests.nginx.cache import Cache, upstream
from tests.nginx.certificates import Authority
from tests.nginx.client import at_once
from tests.nginx.conftest import MakeOrigin, StartCache
from tests.nginx.origin import Fault, Origin
from tests.nginx.samples import NAR, NARINFO, narinfo, narinfo_path, noise
from tests.nginx.test_nar_urls import url_of
from tests.upstreams.process import Tunnels
from tests.upstreams.proxies import FakeProxy, socks_to
from tests.upstreams.real_proxies import KINDS, RealProxy, real_proxy
from tests.waiting import eventually

HOST = "up.test"
"""A name that no resolver knows: only the proxy's side has it."""

STORE_HOST = "store.test"

MakeProxy = Callable[..., RealProxy]
StartTunnelled = Callable[..., Cache]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Return what ends with the test."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def proxy(stack: ExitStack) -> MakeProxy:
    """Return a maker of real proxies."""
    return lambda kind, **more: stack.enter_context(real_proxy(kind, **more))


@pytest.fixture
def tunnelled(cache: StartCache, stack: ExitStack) -> StartTunnelled:
    """Return a starter of caches that have a tunnel beside them."""

    def start(*tables: Origin | dict[str, object], **machine: object) -> Cache:
        one = cache(*tables, machine=machine)
        stack.enter_context(Tunnels(Path(one.site.live) / "tunnels.json"))
        assert eventually(
            lambda: all(Path(t.socket).is_socket() for t in one.plan.tunnels), seconds=15
        )
        return one

    return start


def behind(
    proxy: RealProxy | FakeProxy | str, url: str, name: str = "a", **more: object
) -> dict[str, object]:
    """Return the table of an upstream behind a proxy."""
    address = proxy if isinstance(proxy, str) else ""
    if isinstance(proxy, FakeProxy):
        address = f"socks5h://127.0.0.1:{proxy.port}"
    elif isinstance(proxy, RealProxy):
        address = proxy.url
    return upstream(url, name, proxy=address, connect_timeout="2s", **more)


@pytest.mark.parametrize("login", [False, True], ids=["open", "login"])
@pytest.mark.parametrize("kind", KINDS)
def test_an_upstream_is_reached_through_a_real_proxy(
    kind: str,
    login: bool,  # noqa: FBT001 - a parameter of the test
    tunnelled: StartTunnelled,
    proxy: MakeProxy,
    origin: Origin,
) -> None:
    """Every byte arrives, connections are kept, and a hit does not touch the tunnel."""
    body = noise(3_000_000)
    names = [narinfo_path(number) for number in range(20)]
    origin.files = {**dict.fromkeys(names, narinfo()), NAR: body}
    one = tunnelled(behind(proxy(kind, login=login), origin.url))

    assert {reply.status for reply in one.get_all(names)} == {200}
    assert one.get(NAR).body == body
    assert origin.connections <= 3
    assert origin.requests[0].headers["host"] == f"127.0.0.1:{origin.port}"
    asked = len(origin.requests)
    assert [one.get(NAR).cache_status, one.get(names[3]).cache_status] == ["HIT", "HIT"]
    assert len(origin.requests) == asked


@pytest.mark.core
@pytest.mark.parametrize("kind", KINDS)
def test_tls_is_between_nginx_and_the_upstream(
    kind: str,
    tunnelled: StartTunnelled,
    proxy: MakeProxy,
    origins: MakeOrigin,
    tmp_path: Path,
) -> None:
    """The proxy looks the name up, nginx verifies the certificate, SNI and Host carry the name."""
    authority = Authority(tmp_path)
    origin = origins({NARINFO: narinfo(), NAR: noise(500_000)}, tls=authority.context(HOST))
    way = proxy(kind, login=True, hosts=f"127.0.0.1 {HOST}")
    url = f"https://{HOST}:{origin.port}"
    one = tunnelled(behind(way, url, ca_file=str(authority.file)))

    assert (one.get(NARINFO).body, one.get(NAR).body) == (narinfo(), noise(500_000))
    assert {(r.sni, r.headers["host"]) for r in origin.requests} == {
        (HOST, f"{HOST}:{origin.port}")
    }


def test_a_proxy_cannot_be_the_upstream(
    tunnelled: StartTunnelled, origins: MakeOrigin, stack: ExitStack, tmp_path: Path
) -> None:
    """A proxy that leads to another server of another authority is an outage, and no 404."""
    authority, other = Authority(tmp_path), Authority(tmp_path, "other")
    origin = origins({NARINFO: narinfo()}, tls=other.context(HOST))
    way = stack.enter_context(FakeProxy(socks_to({HOST: ("127.0.0.1", origin.port)})))
    one = tunnelled(behind(way, f"https://{HOST}", ca_file=str(authority.file)))

    assert (one.get(NARINFO).status, origin.requests) == (502, [])


def test_a_wrong_password_is_an_outage(
    tunnelled: StartTunnelled, proxy: MakeProxy, origin: Origin
) -> None:
    """It is in no answer and no log."""
    origin.files[NARINFO] = narinfo()
    ways = [proxy(kind, login=True) for kind in KINDS]
    wrong = [way.url.replace("S3CRET", "S3CRETS") for way in ways]
    one = tunnelled(
        *(
            behind(way, f"{origin.url}/{name}", name)
            for way, name in zip(wrong, "abcd", strict=True)
        )
    )

    reply = one.get(NARINFO)

    assert (reply.status, origin.requests) == (502, [])
    assert "S3CRET" not in reply.line + one.error_log + one.text + one.get("/").body.decode()
    assert "S3CRET" not in repr(one.plan) + repr(one.rendering)


@pytest.mark.core
def test_a_dead_proxy_is_an_outage_of_its_upstream_alone(
    tunnelled: StartTunnelled, proxy: MakeProxy, origins: MakeOrigin
) -> None:
    """The next upstream serves; alone it is a 502 and quick; both end when the proxy is back."""
    first, second = origins({NAR: b"first"}), origins({NARINFO: narinfo()})
    way = proxy("microsocks")
    both = tunnelled(behind(way, first.url), second)
    alone = tunnelled(behind(way, first.url))
    way.stop()

    served, missing, lone = both.get(NARINFO), both.get(NAR), alone.get(NAR)
    way.start()

    assert (served.status, served.upstream) == (200, "b")
    assert [missing.status, lone.status] == [502, 502]
    assert max(served.seconds, missing.seconds, lone.seconds) < 1
    assert [both.get(NAR).body, alone.get(NAR).body] == [b"first", b"first"]


def test_a_tunnel_that_does_not_run_is_an_outage(cache: StartCache, origins: MakeOrigin) -> None:
    """Nginx starts without it, and does not go around it."""
    first, second = origins({NARINFO: narinfo()}), origins({NAR: b"second"})
    one = cache(behind("socks5h://127.0.0.1:9", first.url), second)

    assert [one.get(NARINFO).status, one.get(NAR).status] == [502, 200]
    assert first.requests == []


def test_a_hanging_proxy_holds_nobody_for_long(
    tunnelled: StartTunnelled, stack: ExitStack, origins: MakeOrigin
) -> None:
    """connect_timeout is the time for the whole way."""
    second = origins({NARINFO: narinfo()})
    way = stack.enter_context(FakeProxy(lambda _client: time.sleep(30)))
    reply = tunnelled(behind(way, "http://x.test"), second).get(NARINFO)

    assert (reply.status, reply.upstream) == (200, "b")
    assert reply.seconds < 3.5


def test_redirects_stay_behind_the_proxy(
    tunnelled: StartTunnelled, stack: ExitStack, origins: MakeOrigin
) -> None:
    """To its own host through the tunnel; to any other not at all."""
    origin, other = origins({"/there": b"nar"}), origins({"/x": b"around"})
    way = stack.enter_context(FakeProxy(socks_to({HOST: ("127.0.0.1", origin.port)})))
    one = tunnelled(behind(way, f"http://{HOST}"))
    for path, target in {
        "/nar/relative": "/there",
        "/nar/absolute": f"http://{HOST}/there",
        "/nar/default-port": f"http://{HOST.upper()}:80/there",
        "/nar/elsewhere": f"{other.url}/x",
        "/nar/other-port": f"http://{HOST}:{other.port}/x",
        "/nar/no-path": f"http://{HOST}",
    }.items():
        origin.fail(Fault(f"^{path}$", status=302, headers=(("Location", target),)))

    good = [one.get(f"/nar/{name}").body for name in ("relative", "absolute", "default-port")]
    bad = [one.get(f"/nar/{name}").status for name in ("elsewhere", "other-port", "no-path")]

    assert good == [b"nar"] * 3
    assert bad == [502] * 3
    assert other.requests == []


@pytest.mark.parametrize("kind", KINDS)
def test_redirect_hosts_are_reached_through_the_proxy(
    kind: str,
    tunnelled: StartTunnelled,
    proxy: MakeProxy,
    origins: MakeOrigin,
    tmp_path: Path,
) -> None:
    """By a redirect and by a narinfo, with their own names for TLS, over kept connections; the rest is not."""
    authority = Authority(tmp_path)
    store = origins(
        {f"/{n}": noise(50_000, n) for n in range(5)}, tls=authority.context(STORE_HOST)
    )
    there = f"https://{STORE_HOST}:{store.port}"
    front = origins(
        {NARINFO: narinfo(url=f"{there}/3?x=1"), "/nar/4": b""}, tls=authority.context(HOST)
    )
    store.files["/3?x=1"] = store.files["/3"]
    for n in (0, 1, 2):
        front.fail(Fault(f"^/nar/{n}$", status=302, headers=(("Location", f"{there}/{n}"),)))
    front.fail(
        Fault("/nar/other", status=302, headers=(("Location", f"https://{STORE_HOST}:9/x"),)),
        Fault(
            "/nar/plain", status=302, headers=(("Location", f"http://{STORE_HOST}:{store.port}/1"),)
        ),
        Fault("/nar/third", status=302, headers=(("Location", "https://third.test/x"),)),
    )
    way = proxy(kind, login=True, hosts=f"127.0.0.1 {HOST} {STORE_HOST} third.test")
    one = tunnelled(
        behind(
            way,
            f"https://{HOST}:{front.port}",
            redirect_hosts=[f"{STORE_HOST}:{store.port}"],
            credentials_file="/k",
        ),
        ca_bundle=str(authority.file),
        credentials={"/k": "Bearer S3CRET"},
    )

    urls = [*(f"/nar/{n}" for n in range(3)), url_of(one.get(NARINFO).body)]
    found = [one.get(url).body for url in urls]
    refused = [one.get(f"/nar/{name}").status for name in ("other", "plain", "third")]

    assert found == [noise(50_000, n) for n in range(4)]
    assert refused == [502] * 3
    assert {(r.sni, r.headers["host"]) for r in store.requests} == {
        (STORE_HOST, f"{STORE_HOST}:{store.port}")
    }
    assert store.connections == 1
    assert [r for r in store.requests if "authorization" in r.headers] == []


def test_a_redirect_host_stays_where_it_is(
    tunnelled: StartTunnelled, stack: ExitStack, origins: MakeOrigin
) -> None:
    """Another one before it in the list is no other way to it; a plain one has both schemes' ports."""
    origin, store = origins(), origins({"/x": b"nar"})
    places = {HOST: ("127.0.0.1", origin.port), STORE_HOST: ("127.0.0.1", store.port)}
    way = stack.enter_context(FakeProxy(socks_to(places)))
    origin.fail(Fault("/nar/", status=302, headers=(("Location", f"http://{STORE_HOST}/x"),)))
    one = tunnelled(behind(way, f"http://{HOST}", redirect_hosts=[STORE_HOST]))
    before = {tunnel.socket for tunnel in one.plan.tunnels}
    first = one.get("/nar/1").body
    one.apply({"upstreams": [behind(way, f"http://{HOST}", redirect_hosts=["a.test", STORE_HOST])]})

    assert (first, one.get("/nar/2").body) == (b"nar", b"nar")
    assert before < {tunnel.socket for tunnel in one.plan.tunnels}
    assert sorted(tunnel.port for tunnel in one.plan.tunnels) == [80, 80, 80, 443, 443]


def test_a_wildcard_behind_a_proxy_is_refused(cache: StartCache) -> None:
    """A tunnel leads to one host, so it is said before anything starts."""
    one = cache(
        behind("http://127.0.0.1:9", "http://x.test", redirect_hosts=["*.r2.dev"]), start=False
    )
    one.port = 8080

    with pytest.raises(RenderError, match=r"\*\.r2\.dev is a wildcard"):
        one.write()


def test_a_path_too_long_for_a_socket_is_refused(cache: StartCache) -> None:
    """Before nginx does, and with what to change."""
    one = cache(behind("http://127.0.0.1:9", "http://x.test", "n" * 32), start=False)
    one.port, one.settings["runtime_directory"] = 8080, "/run/" + "r" * 80

    with pytest.raises(RenderError, match=r"upstreams\[0\]\.proxy: .* too long"):
        one.write()


def test_many_clients_of_one_tunnel(
    tunnelled: StartTunnelled, proxy: MakeProxy, origin: Origin
) -> None:
    """Sixty clients ask for files of their own at the same time."""
    origin.files = {f"/nar/{number}": noise(100_000, number) for number in range(60)}
    one = tunnelled(behind(proxy("microsocks"), origin.url))
    numbers = iter(range(60))
    replies = at_once(60, lambda: (number := next(numbers), one.get(f"/nar/{number}").body))

    assert all(body == noise(100_000, number) for number, body in replies)


def test_a_name_for_the_proxy_is_not_looked_up(
    tunnelled: StartTunnelled, stack: ExitStack, origin: Origin
) -> None:
    """The name of the upstream is in the proxy's hands: our machine knows no address of it."""
    way = stack.enter_context(FakeProxy(socks_to({HOST: ("127.0.0.1", origin.port)})))
    one = tunnelled(behind(way, f"http://{HOST}/team"))
    origin.files["/team" + NARINFO] = narinfo()

    assert one.get(NARINFO).status == 200
    assert "resolver" not in one.rendering.files["http.conf"]


def test_another_proxy_takes_over_amid_a_download(
    tunnelled: StartTunnelled, stack: ExitStack, origins: MakeOrigin
) -> None:
    """The next generation goes another way, and what came the old way still arrives."""
    origin = origins({NAR: noise(400_000), NARINFO: narinfo()})
    places = {HOST: ("127.0.0.1", origin.port)}
    first = stack.enter_context(FakeProxy(socks_to(places)))
    second = stack.enter_context(FakeProxy(socks_to(places)))
    one = tunnelled(behind(first, f"http://{HOST}"))
    origin.fail(Fault("^/nar/", drip=250_000))
    with ThreadPoolExecutor(1) as pool:
        download = pool.submit(one.get, NAR)
        origin.wait_for("^/nar/")
        one.apply({"upstreams": [behind(second, f"http://{HOST}")]})
        time.sleep(0.5)

        assert one.get(NARINFO).status == 200
        assert download.result().body == noise(400_000)

    assert (first.count, second.count) == (1, 1)


def test_the_tools_are_those_of_the_list() -> None:
    """What `./do test` installs is what these tests look for."""
    text = (ROOT / "do").read_text(encoding="utf-8")

    assert [kind for kind in KINDS if f"{kind}:" not in text] == []
