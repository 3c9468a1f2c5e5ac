"""Which addresses are told where, and how the kernel's lists are read."""

import struct
from ipaddress import ip_address

from passthru.lan.interface import Held, Interface, choose, make_interface
from passthru.lan.netlink import list_interfaces, read_addresses, read_links


def held(*texts: str) -> list[Held]:
    """Return addresses that stay."""
    return [Held(ip_address(text)) for text in texts]


def told(*texts: str) -> list[str]:
    """Return what is announced of these addresses."""
    made = make_interface(2, "eth0", held(*texts))
    return [str(address) for address in made.addresses] if made else []


def test_wide_addresses_are_told_and_the_links_own_spoken_from() -> None:
    """Others reach us by the former; multicast comes from the latter."""
    made = make_interface(2, "eth0", held("fe80::1", "fd00::1", "192.168.1.2", "169.254.3.4"))

    assert made is not None
    assert [str(address) for address in made.addresses] == ["192.168.1.2", "fd00::1"]
    assert str(made.speaking[1]) == "fe80::1"


def test_link_local_addresses_are_better_than_none() -> None:
    """Two machines on one cable have no others."""
    assert told("fe80::1", "169.254.3.4") == ["169.254.3.4", "fe80::1"]


def test_addresses_that_pass_are_not_told() -> None:
    """A temporary address would be gone tomorrow; with nothing else, there is no interface."""
    temporary = Held(ip_address("fd00::77"), passing=True)

    assert make_interface(2, "eth0", [temporary]) is None
    made = make_interface(2, "eth0", [temporary, *held("fd00::1")])
    assert made is not None
    assert [str(address) for address in made.addresses] == ["fd00::1"]


def test_the_spec_chooses_interfaces_and_addresses() -> None:
    """What it leaves out is not spoken on, and what nothing listens on is not told."""
    addresses = tuple(one.address for one in held("10.0.0.1", "fd00::1"))
    both = [Interface(1, "eth0", addresses, addresses), Interface(2, "wg0", addresses, addresses)]

    assert [one.name for one in choose(both, named=("eth0",))] == ["eth0"]
    (one, _) = choose(both, listening=("fd00::1", "127.0.0.1"))
    assert [str(address) for address in one.addresses] == ["fd00::1"]
    (one, _) = choose(both, listening=("0.0.0.0",))
    assert [str(address) for address in one.addresses] == ["10.0.0.1"]
    assert choose(both, listening=("*",)) == tuple(both)


def attribute(kind: int, data: bytes) -> bytes:
    """Return one rtnetlink attribute."""
    return struct.pack("=HH", len(data) + 4, kind) + data + bytes(-len(data) % 4)


def test_the_kernels_lists_are_read() -> None:
    """Loopback, what is down, and addresses that may yet turn out to be taken are left out."""

    def link(index: int, flags: int, name: str) -> tuple[int, bytes]:
        return 16, struct.pack("=BxHiII", 0, 1, index, flags, 0) + attribute(
            3, name.encode() + b"\0"
        )

    def address(index: int, flags: int, raw: bytes) -> tuple[int, bytes]:
        family = 2 if len(raw) == 4 else 10
        return 20, struct.pack("=BBBBI", family, 24, flags, 0, index) + attribute(1, raw)

    up = 0x1 | 0x1000 | 0x10000
    links = [link(1, up | 8, "lo"), link(2, up, "eth0"), link(3, 0x1001, "off0"), (16, b"cut")]
    v6 = ip_address("fd00::1").packed
    addresses = [
        address(2, 0x01, bytes([10, 0, 0, 1])),
        address(2, 0x40, v6),
        address(2, 0x01, v6),
        (20, b""),
    ]

    assert list(read_links(iter(links))) == [(2, "eth0")]
    assert [
        (index, str(one.address), one.passing) for index, one in read_addresses(iter(addresses))
    ] == [
        (2, "10.0.0.1", False),
        (2, "fd00::1", True),
    ]


def test_this_machine_can_be_asked() -> None:
    """Whatever interfaces there are here, loopback is not among them."""
    assert "lo" not in [one.name for one in list_interfaces()]
