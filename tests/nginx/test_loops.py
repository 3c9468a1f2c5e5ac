"""Caches that lead back to themselves."""

import pytest

from tests.nginx.cache import Cache, free_port, upstream
from tests.nginx.client import exchange, request_bytes
from tests.nginx.conftest import StartCache
from tests.nginx.origin import Origin
from tests.nginx.samples import HASH, NAR, NARINFO, narinfo


@pytest.mark.core
def test_a_cache_behind_itself_stops(cache: StartCache) -> None:
    """A cache that is its own upstream asks itself once and says that it is a loop."""
    port = free_port()
    here = {"addresses": {"self.test": ("127.0.0.1",)}}
    one = cache(f"http://self.test:{port}", machine=here, start=False)
    one.port = port
    one.start()

    for path in (NARINFO, NAR):
        reply = one.get(path)
        assert reply.status in (502, 508)
        assert reply.seconds < 1
        assert reply.line
    assert _hops(one) <= 6


@pytest.mark.core
def test_a_ring_of_two_stops(cache: StartCache) -> None:
    """Two caches that are each other's upstream go round once and no further."""
    one = cache(f"http://127.0.0.1:{free_port()}", machine={"instance": "aaaaaaaa"})
    two = cache(one.url, machine={"instance": "bbbbbbbb"})
    one.apply({"upstreams": [upstream(two.url, "a")]})

    for each in (one, two):
        for path in (NARINFO, NAR):
            reply = each.get(path)
            assert reply.status in (502, 508)
            assert reply.seconds < 1


@pytest.mark.core
def test_a_request_that_was_here_is_508(cache: StartCache, origin: Origin) -> None:
    """A request whose CDN-Loop names us, alone or among others, is refused with one line."""
    origin.files[NARINFO] = narinfo()
    one = cache(origin)
    ours = origin_token(one, origin)

    for value in (ours, f"fastly, {ours}", f'{ours}; v="1", other', f"other , {ours},"):
        for path in (NARINFO, NAR, f"/nar/~a{NAR[4:]}", f"/{HASH}.ls"):
            reply = one.get(path, headers=[("CDN-Loop", value)])
            assert reply.status == 508, (value, path)
            assert "loop" in reply.line or "back" in reply.line
        assert one.get("/nix-cache-info", headers=[("CDN-Loop", value)]).status == 508
    assert [asked.path for asked in origin.requests] == ["/nar/whoami.nar"]
    two_lines = request_bytes(NARINFO, headers=[("CDN-Loop", "other"), ("CDN-Loop", ours)])
    assert exchange(one.address, two_lines).split(b" ")[1] in (b"508", b"200")


def test_a_request_that_was_elsewhere_is_served(cache: StartCache, origin: Origin) -> None:
    """Other caches before us are no loop, even with names like ours, and are passed on."""
    origin.files = {NARINFO: narinfo(), NAR: b"nar"}
    one = cache(origin)
    ours = origin_token(one, origin)
    origin.forget()

    values = ("passthru-ffffffff", f"{ours}9", f"x{ours}", "fastly", ours[:-1])
    statuses = [one.get(NAR, headers=[("CDN-Loop", value)]).status for value in values]

    assert statuses == [200] * len(values)
    assert origin.requests[0].headers["cdn-loop"] == f"passthru-ffffffff, {ours}"


def origin_token(one: Cache, origin: Origin) -> str:
    """Return what `one` writes into CDN-Loop."""
    one.get("/nar/whoami.nar")
    token = origin.requests[-1].headers["cdn-loop"]
    assert token == "passthru-0123abcd"
    return token


def _hops(one: Cache) -> int:
    one.stop()  # writes the log's buffer
    return len(_log(one).splitlines())


def _log(one: Cache) -> str:
    with open(f"{one.site.logs}/access.log", encoding="utf-8") as log:  # noqa: PTH123 - one line
        return log.read()
