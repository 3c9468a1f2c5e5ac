"""Whom a follower asks."""

from dataclasses import replace
from ipaddress import ip_address, ip_network

from passthru.lan.following import MOST_ASKED, Following, has_travelled, mark_of
from passthru.lan.neighbour import Neighbour
from passthru.lan.record import Told

PATH = "0" * 32
FOLLOWING = Following(
    socket="/run/passthru/lan.sock",
    names=(),
    networks=(),
    keys=(),
    store_dir="/nix/store",
    loop_token="passthru-00000000",
)
SHELF = Neighbour(
    name="Nix cache on shelf",
    service="Nix cache on shelf._http._tcp.local.",
    type="_http._tcp.local.",
    interface="wlan0",
    address=ip_address("192.168.1.7"),
    port=80,
    tls=False,
    told=Told(is_cache=True, identity="0123456789abcdef"),
    seen_at=0,
    healthy=True,
)


def test_all_that_are_well_are_asked() -> None:
    """In their order, and not more than a client can wait for."""
    assert FOLLOWING.choose([SHELF] * 9, PATH, identity=None) == (SHELF,) * MOST_ASKED
    unwell = [replace(SHELF, healthy=False), replace(SHELF, healthy=None)]
    assert FOLLOWING.choose(unwell, PATH, identity=None) == ()


def test_ourselves_are_not_asked() -> None:
    """Under no address."""
    assert not FOLLOWING.admits(replace(SHELF, ourselves=True))


def test_another_store_is_not_asked() -> None:
    """Its paths are of no use; what its nix-cache-info says counts more than its announcement."""
    told = replace(SHELF.told, store_dir="/gnu/store")

    assert not FOLLOWING.admits(replace(SHELF, told=told))
    assert not FOLLOWING.admits(replace(SHELF, store_dir="/gnu/store"))
    assert FOLLOWING.admits(replace(SHELF, told=told, store_dir="/nix/store"))


def test_names_may_be_chosen() -> None:
    """By patterns that match the whole name."""
    chosen = replace(FOLLOWING, names=("Nix cache on *", "Office"))

    assert chosen.admits(SHELF)
    assert chosen.admits(replace(SHELF, name="Office"))
    assert not chosen.admits(replace(SHELF, name="Office 2"))
    assert not chosen.admits(replace(SHELF, name="nix cache on shelf"))


def test_networks_may_be_chosen() -> None:
    """Of both families."""
    chosen = replace(FOLLOWING, networks=(ip_network("192.168.1.0/24"), ip_network("fd00::/64")))

    assert chosen.admits(SHELF)
    assert chosen.admits(replace(SHELF, address=ip_address("fd00::1")))
    assert not chosen.admits(replace(SHELF, address=ip_address("192.168.2.1")))


def test_a_neighbour_keeps_its_mark() -> None:
    """By its identity wherever it is, and by its place if it has none."""
    moved = replace(SHELF, address=ip_address("10.0.0.1"))
    silent = replace(SHELF, told=Told(is_cache=True))

    assert mark_of(SHELF) == mark_of(moved) == "0123456789abcdef"
    assert mark_of(silent) != mark_of(replace(silent, port=81))
    assert len(mark_of(silent)) == 16


def test_a_request_that_has_travelled_goes_no_further() -> None:
    """Our own nginx's token is the last one, and alone if the client asked us first."""
    assert not has_travelled("passthru-00000000")
    assert has_travelled("passthru-11111111, passthru-00000000")
