"""Names of upstreams: without DNS, without a network, and when addresses change."""

import os
import time

import pytest

from tests.nginx.blackhole import Blackhole
from tests.nginx.cache import Cache, upstream
from tests.nginx.client import fetch
from tests.nginx.conftest import MakeOrigin, StartCache
from tests.nginx.names import Names
from tests.nginx.origin import Origin
from tests.nginx.samples import NAR, NARINFO, narinfo, narinfo_path, noise
from tests.nginx.stored import wait_stored

HOST = "up.test"

PATHS = tuple(narinfo_path(number) for number in range(250))


@pytest.mark.core
def test_it_starts_without_dns(cache: StartCache) -> None:
    """With no name server that answers, all that is ours is served, the rest is a quick outage."""
    one = cache(
        upstream("https://up.test", "a"),
        upstream("http://other.test/path", "b"),
        machine={"resolvers": ("127.0.0.1:9",)},
    )
    start = time.monotonic()

    assert one.get("/health").status == 200
    assert one.get("/nix-cache-info").status == 200
    assert one.get("/").status == 200
    assert time.monotonic() - start < 0.5
    for path in (NARINFO, NAR):
        reply = one.get(path)
        assert reply.status in (502, 504)
        assert reply.seconds < 8
        assert reply.line


@pytest.mark.core
def test_what_is_stored_survives_a_restart_without_dns(cache: StartCache, origin: Origin) -> None:
    """A cache that comes up in a power cut's darkness serves what it had."""
    origin.files = {NARINFO: narinfo(), NAR: noise(50_000)}
    url = f"http://{HOST}:{origin.port}"
    one = cache(upstream(url, "a"), machine={"addresses": {HOST: ("127.0.0.1",)}})
    for path in origin.files:
        assert one.get(path).status == 200
    wait_stored(one, count=2)
    one.stop()
    origin.stop()
    one.machine = {"resolvers": ("127.0.0.1:9",)}
    one.start()

    replies = {path: one.get(path) for path in origin.files}

    assert {path: reply.body for path, reply in replies.items()} == origin.files
    assert {reply.cache_status for reply in replies.values()} == {"HIT"}


@pytest.mark.skipif(os.geteuid() != 0, reason="a network of its own needs root")
def test_it_runs_without_a_network(cache: StartCache) -> None:
    """In a network of its own with nothing but loopback, it starts, serves, and says 502 or 504."""
    alone = ("unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")
    one = cache(
        upstream("https://up.test", "a"),
        upstream("http://192.0.2.1", "b"),
        prefix=alone,
        machine={"resolvers": ("192.0.2.53",), "addresses": {}},
    )

    assert fetch(one.site.socket, "/nix-cache-info").status == 200
    start = time.monotonic()
    reply = fetch(one.site.socket, NARINFO)

    assert reply.status in (502, 504)
    assert time.monotonic() - start < 8


@pytest.mark.core
def test_an_address_that_changes_is_followed(cache: StartCache, origins: MakeOrigin) -> None:
    """A name that gets another address is asked there, without a restart."""
    table = {name: dict.fromkeys(PATHS, narinfo(note=name)) for name in ("old", "new")}
    old = origins(table["old"])
    new = origins(table["new"], host="127.0.0.2", port=old.port)
    with Names({HOST: ("127.0.0.1",)}) as names:
        one = cache(
            upstream(f"http://{HOST}:{old.port}", "a"),
            start=False,
            swaps={r"valid=\d+s": "valid=1s"},
        )
        if one.capabilities.upstream_resolve:  # nginx follows the name by itself
            one.machine = {"resolvers": (names.address,)}
            one.start()
            _get_until(one, "old")
            names.records[HOST] = ("127.0.0.2",)
        else:
            one.machine = {"addresses": {HOST: ("127.0.0.1",)}}
            one.start()
            _get_until(one, "old")
            one.apply(addresses={HOST: ("127.0.0.2",)})
        _get_until(one, "new")
        old.forget()
        missing = [one.get(f"/nar/{number}").status for number in range(5)]

    assert missing == [404] * 5
    assert old.requests == []
    assert len(new.seen("/nar/")) == 5


def test_a_dead_address_of_two_costs_nothing(cache: StartCache, origin: Origin) -> None:
    """Where a name has two addresses and one of them refuses, every request gets its answer."""
    origin.files = dict.fromkeys(PATHS[:20], narinfo())
    for addresses in (("127.0.0.9", "127.0.0.1"), ("127.0.0.1", "127.0.0.9")):
        one = cache(
            upstream(f"http://{HOST}:{origin.port}", "a"), machine={"addresses": {HOST: addresses}}
        )
        assert [one.get(path).status for path in PATHS[:20]] == [200] * 20


@pytest.mark.core
def test_an_address_that_drops_everything_is_given_up(cache: StartCache, origin: Origin) -> None:
    """Connecting to nowhere ends after connect_timeout: the next upstream is asked, or it is a 504."""
    origin.files[NARINFO] = narinfo()
    with Blackhole() as hole:
        one = cache(hole.url, origin)
        found, lost = one.get(NARINFO), one.get(narinfo_path(1))

    assert (found.status, found.upstream, lost.status) == (200, "b", 504)
    assert max(found.seconds, lost.seconds) < 2.5


def _get_until(one: Cache, note: str) -> None:
    """GET one narinfo after the other until they come from there: names are looked up meanwhile."""
    deadline = time.monotonic() + 5
    for path in PATHS:
        if one.get(path).body == narinfo(note=note):
            return
        assert time.monotonic() < deadline
        time.sleep(0.02)
    raise AssertionError(f"none of {len(PATHS)} came from {note}")
