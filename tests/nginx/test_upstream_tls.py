"""TLS to upstreams: the right name, the right authority, and connections that are kept."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.nginx.cache import Cache, upstream
from tests.nginx.certificates import Authority
from tests.nginx.conftest import MakeOrigin, StartCache
from tests.nginx.origin import Fault, Origin
from tests.nginx.samples import NAR, NARINFO, narinfo, narinfo_path, noise

HOST = "up.test"
HERE = {"addresses": {HOST: ("127.0.0.1",)}}

StartSecure = Callable[..., Cache]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Return an authority that nobody trusts unless told to."""
    return Authority(tmp_path)


@pytest.fixture
def secure(cache: StartCache, authority: Authority) -> StartSecure:
    """Return a starter of caches of one upstream at https://up.test, and of others after it."""

    def start(origin: Origin, *others: Origin, **more: object) -> Cache:
        first = upstream(
            f"https://{HOST}:{origin.port}", "a", **{"ca_file": str(authority.file), **more}
        )
        tables = [upstream(other, name) for other, name in zip(others, "bcdefgh", strict=False)]
        return cache(first, *tables, machine=HERE)

    return start


@pytest.mark.core
def test_an_upstream_is_verified_and_named(
    secure: StartSecure, origins: MakeOrigin, authority: Authority
) -> None:
    """The certificate is checked against ca_file, SNI and Host carry the upstream's name."""
    origin = origins({NARINFO: narinfo(), NAR: noise(50_000)}, tls=authority.context(HOST))
    one = secure(origin)

    assert one.get(NARINFO).body == narinfo()
    assert one.get(NAR).body == noise(50_000)
    for request in origin.requests:
        assert request.sni == HOST
        assert request.headers["host"] == f"{HOST}:{origin.port}"
        assert request.version == "HTTP/1.1"


@pytest.mark.core
@pytest.mark.parametrize("kind", ["other name", "expired", "other authority"])
def test_an_upstream_that_cannot_be_verified_is_an_outage(
    kind: str, secure: StartSecure, origins: MakeOrigin, authority: Authority, tmp_path: Path
) -> None:
    """Nothing is asked over a connection that may be somebody else's, and it is no 404 either."""
    other = tmp_path / "other"
    other.mkdir()
    contexts = {
        "other name": authority.context("other.test"),
        "expired": authority.context(HOST, days=-1),
        "other authority": Authority(other, "other").context(HOST),
    }
    origin = origins({NARINFO: narinfo(), NAR: b"nar"}, tls=contexts[kind])
    fallback = origins({NAR: b"other"})
    alone, followed = secure(origin), secure(origin, fallback)

    assert [alone.get(path).status for path in (NARINFO, NAR)] == [502, 502]
    assert [followed.get(path).status for path in (NARINFO, NAR)] == [502, 200]
    assert origin.requests == []


def test_the_systems_authorities_do_not_know_a_private_one(
    cache: StartCache, origins: MakeOrigin, authority: Authority
) -> None:
    """Without ca_file an upstream of a private authority is refused."""
    origin = origins({NARINFO: narinfo()}, tls=authority.context(HOST))
    one = cache(upstream(f"https://{HOST}:{origin.port}", "a"), machine=HERE)

    assert one.get(NARINFO).status == 502
    assert origin.requests == []


def test_plain_http_on_a_tls_port_is_an_outage(secure: StartSecure, origins: MakeOrigin) -> None:
    """An upstream that speaks no TLS where TLS was asked for is not spoken to."""
    origin = origins({NARINFO: narinfo()})

    assert secure(origin).get(NARINFO).status in (502, 504)
    assert origin.requests == []


@pytest.mark.core
@pytest.mark.parametrize("path", ["narinfo", "nar"])
def test_connections_to_an_upstream_are_kept(
    path: str, secure: StartSecure, origins: MakeOrigin, authority: Authority
) -> None:
    """A hundred requests of any kind take one TLS handshake or two."""
    paths = [
        narinfo_path(number) if path == "narinfo" else f"/nar/{number}.nar.xz"
        for number in range(100)
    ]
    origin = origins(dict.fromkeys(paths, noise(3000)), tls=authority.context(HOST))
    one = secure(origin)

    replies = one.get_all(paths)

    assert {reply.status for reply in replies} == {200}
    assert len(origin.requests) == 100
    assert len({request.connection for request in origin.requests}) <= 2


@pytest.mark.core
def test_a_no_resumes_the_session(
    secure: StartSecure, origins: MakeOrigin, authority: Authority
) -> None:
    """Nginx drops the connection of a no that has a body; the next handshake is a short one."""
    origin = origins(tls=authority.context(HOST))
    one = secure(origin)

    for number in range(10):
        assert one.get(narinfo_path(number)).status == 404
    origin.fail(Fault(status=404, body=b""))
    for number in range(10, 20):
        assert one.get(narinfo_path(number)).status == 404

    assert [request.resumed for request in origin.requests[1:]] == [True] * 19
    assert len({request.connection for request in origin.requests[10:]}) <= 2


def test_kinds_share_their_connections(
    secure: StartSecure, origins: MakeOrigin, authority: Authority
) -> None:
    """A narinfo and then its NAR come over one connection: locations do not keep their own."""
    files = {narinfo_path(n): narinfo() for n in range(5)} | {f"/nar/{n}": b"n" for n in range(5)}
    origin = origins(files, tls=authority.context(HOST))
    one = secure(origin)

    one.get_all(list(files))

    assert len({request.connection for request in origin.requests}) == 1


def test_a_connection_that_the_upstream_has_closed_is_made_again(
    secure: StartSecure, origins: MakeOrigin, authority: Authority
) -> None:
    """A kept connection that has died costs a client nothing but the handshake."""
    origin = origins({narinfo_path(n): narinfo() for n in range(3)}, tls=authority.context(HOST))
    one = secure(origin)

    statuses = []
    for number in range(3):
        statuses.append(one.get(narinfo_path(number)).status)
        origin.stop()
        origin.start()

    assert statuses == [200, 200, 200]


def test_a_request_lost_with_its_kept_connection_is_made_again(
    cache: StartCache, origin: Origin
) -> None:
    """When an upstream drops a kept connection instead of answering, a new one is tried."""
    origin.files = {narinfo_path(n): narinfo() for n in range(3)}
    one = cache(origin)
    one.get(narinfo_path(0))
    origin.fail(Fault(reset=-1, times=1))

    reply = one.get(narinfo_path(1))

    assert reply.status in (200, 502)
    assert one.get(narinfo_path(1)).status == 200
