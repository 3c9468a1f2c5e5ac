"""How many caches are kept in mind, and which give way."""

import asyncio
from dataclasses import replace

from passthru.lan.neighbour import Heard
from passthru.lan.roster import MOST, Roster

HEARD = Heard(
    service="0._http._tcp.local.",
    type="_http._tcp.local.",
    interface="eth0",
    addresses=("192.168.1.1",),
    port=80,
    properties={b"nix-cache": b"1", b"id": b"0123456789abcdef"},
)


def many(count: int, *, spread: bool) -> list[Heard]:
    """Return caches on different ports, at one address or at as many."""
    return [
        replace(
            HEARD,
            service=f"{number}._http._tcp.local.",
            port=1000 + number,
            addresses=(f"10.0.{number // 250}.{number % 250 + 1}" if spread else "10.0.0.1",),
        )
        for number in range(count)
    ]


def roster_of(*heard: Heard, identity: str | None = None) -> Roster:
    """Return a roster that has heard all of them."""

    async def fill() -> Roster:
        roster = Roster(identity=identity)
        for one in heard:
            roster.heard(one)
        return roster

    return asyncio.run(fill())


def test_there_is_an_end() -> None:
    """A thousand caches are no more than there is room for."""
    assert len(roster_of(*many(1000, spread=True)).neighbours) == MOST
    assert len(roster_of(*many(1000, spread=False)).neighbours) == MOST


def test_a_loud_address_gives_way() -> None:
    """One machine with a thousand caches does not hide the one of another machine."""
    roster = roster_of(*many(1000, spread=False), HEARD)

    assert "http://192.168.1.1" in [one.url for one in roster.neighbours]


def test_one_that_is_silent_gives_way() -> None:
    """Even to the last of a crowd; and it is not taken in again for a while."""

    async def crowd() -> tuple[Roster, str]:
        roster = Roster(identity=None)
        for one in many(MOST, spread=True):
            roster.heard(one)
        first = roster._entries["0._http._tcp.local.", "eth0"]
        first.neighbour = first.neighbour.probed(healthy=False, latency=None, store_dir=None)
        roster.heard(replace(HEARD, service="late._http._tcp.local."))
        return roster, first.neighbour.url

    roster, silent = asyncio.run(crowd())
    urls = [one.url for one in roster.neighbours]

    assert "http://192.168.1.1" in urls
    assert silent not in urls
    assert roster.knows("0._http._tcp.local.", "eth0")


def test_ourselves_are_known_by_name() -> None:
    """Under whatever address: the identity is ours."""
    (one,) = roster_of(HEARD, identity="0123456789abcdef").neighbours

    assert one.ourselves


def test_one_cache_is_listed_once() -> None:
    """Of several types and on several interfaces, it is one place to fetch from."""
    other_type = replace(HEARD, service="0._nix-serve._tcp.local.", type="_nix-serve._tcp.local.")
    other_side = replace(HEARD, interface="wlan0", addresses=("10.1.1.1",))

    assert len(roster_of(HEARD, other_type, other_side).neighbours) == 1


def test_priority_comes_before_all() -> None:
    """Lower is better, and one who says nothing comes after those who do."""
    near = replace(HEARD, service="a._http._tcp.local.", port=81)
    low = replace(
        near,
        service="b._http._tcp.local.",
        port=82,
        properties={b"nix-cache": b"1", b"priority": b"10"},
    )
    high = replace(
        near,
        service="c._http._tcp.local.",
        port=83,
        properties={b"nix-cache": b"1", b"priority": b"40"},
    )

    assert [one.port for one in roster_of(near, high, low).neighbours] == [82, 83, 81]
