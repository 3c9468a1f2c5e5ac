"""What is believed of a service that was heard."""

from dataclasses import replace

import pytest

from passthru.lan.announcement import CACHES_ONLY, LONGEST_LABEL, numbered
from passthru.lan.neighbour import Heard, best_address, check

HEARD = Heard(
    service="Shelf._http._tcp.local.",
    type="_http._tcp.local.",
    interface="eth0",
    addresses=("192.168.1.7",),
    port=80,
    properties={b"nix-cache": b"1", b"priority": b"20"},
)


def url_of(heard: Heard, *, anywhere: bool = False) -> str | None:
    """Return the URL of the neighbour that is heard, if it is one."""
    found = check(heard, seen_at=0, types=CACHES_ONLY, anywhere=anywhere)
    return found.url if found else None


def test_a_cache_is_a_neighbour() -> None:
    """Name, address and what it says come from what was heard."""
    found = check(HEARD, seen_at=7, types=CACHES_ONLY, anywhere=False)

    assert found is not None
    assert (found.name, found.url, found.told.priority) == ("Shelf", "http://192.168.1.7", 20)
    assert found.record()["seenAt"] == 7


def test_a_printer_is_none() -> None:
    """Of the common type only those count that say they are a cache; of a cache's type, all."""
    printer = replace(HEARD, properties={b"nix-cache": b"0"})

    assert url_of(printer) is None
    assert url_of(replace(printer, type="_nix-serve._tcp.local.")) == "http://192.168.1.7"


@pytest.mark.parametrize(
    ("addresses", "url"),
    [
        (("fd00::1", "10.0.0.1"), "http://10.0.0.1"),
        (("169.254.1.1", "fd00::1"), "http://[fd00::1]"),
        (("fe80::1",), "http://[fe80::1%eth0]"),
        (("127.0.0.1",), None),
        (("224.0.0.1",), None),
        (("0.0.0.0",), None),
        (("8.8.8.8",), None),
        (("203.0.113.1",), None),
        (("2001:db8::1",), None),
        (("nonsense",), None),
        ((), None),
    ],
)
def test_only_near_addresses_are_believed(addresses: tuple[str, ...], url: str | None) -> None:
    """Others would have us ask the whole world for its nix-cache-info."""
    assert url_of(replace(HEARD, addresses=addresses)) == url


def test_far_addresses_are_believed_on_request() -> None:
    """Some sites have public addresses on their LAN; loopback is never another cache's."""
    assert url_of(replace(HEARD, addresses=("8.8.8.8",)), anywhere=True) == "http://8.8.8.8"
    assert best_address(("127.0.0.1", "::1"), anywhere=True) is None


@pytest.mark.parametrize("port", [None, 0, -1, 65536])
def test_a_port_that_is_none_is_no_neighbour(port: int | None) -> None:
    """Nothing can be asked there."""
    assert url_of(replace(HEARD, port=port)) is None


def test_https_needs_its_name() -> None:
    """A certificate is for a name, and the announcement tells it."""
    tls = replace(HEARD, type="_https._tcp.local.", port=443)
    named = replace(tls, properties={b"nix-cache": b"1", b"url": b"https://cache.example.org"})

    assert url_of(tls) == "https://192.168.1.7"
    assert url_of(named) == "https://cache.example.org"


@pytest.mark.parametrize("label", ["Nix cache on shelf", "x" * 63, "\N{SNOWMAN}" * 30])
def test_a_numbered_name_fits(label: str) -> None:
    """The tenth of a name is no longer than a label may be, and no character is cut in half."""
    name = numbered(label, 10)

    assert name.endswith("-10")
    assert len(name.encode()) <= LONGEST_LABEL
    assert "\ufffd" not in name
    assert label.startswith(name.removesuffix("-10"))
