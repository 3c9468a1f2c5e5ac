"""The network interfaces of this machine, as far as mDNS is concerned; pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

IpAddress = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Interface:
    """One interface that carries multicast, with the addresses others may reach us at."""

    index: int
    name: str
    addresses: tuple[IpAddress, ...]
    """What is announced: IPv4 first. Link-local ones only where there is nothing better."""

    speaking: tuple[IpAddress, ...]
    """What packets are sent from: an IPv4 and an IPv6 address, or one of them."""


@dataclass(frozen=True, slots=True)
class Held:
    """An address as the kernel lists it."""

    address: IpAddress
    passing: bool = False
    """Whether it will go soon: temporary (RFC 8981) or deprecated."""


def make_interface(index: int, name: str, held: Iterable[Held]) -> Interface | None:
    """Choose among the addresses of an interface; None if it has none."""
    lasting: list[IpAddress] = [one.address for one in held if not one.passing]
    wide: list[IpAddress] = [one for one in lasting if not one.is_link_local]
    announced: list[IpAddress] = wide or lasting
    announced.sort(key=lambda one: (one.version, int(one)))
    four = [one for one in lasting if one.version == 4]  # noqa: PLR2004 - IPv4
    # Multicast of one link comes from an address of that link (RFC 6762, section 11).
    six = sorted(
        (one for one in lasting if one.version == 6),  # noqa: PLR2004 - IPv6
        key=lambda one: (not one.is_link_local, int(one)),
    )
    speaking: tuple[IpAddress, ...] = (*four[:1], *six[:1])
    return Interface(index, name, tuple(announced), speaking) if speaking else None


def choose(
    interfaces: Iterable[Interface], *, named: Collection[str] = (), listening: Collection[str] = ()
) -> tuple[Interface, ...]:
    """Return the interfaces to speak on, with the addresses to tell there.

    `named` are the only ones that count, `listening` the only addresses that are told; empty: all.
    """
    chosen = []
    for one in interfaces:
        if named and one.name not in named:
            continue
        told = one.addresses
        if listening and "*" not in listening:
            told = tuple(address for address in told if _is_listened_on(address, listening))
        chosen.append(Interface(one.index, one.name, told, one.speaking))
    return tuple(chosen)


def _is_listened_on(address: IpAddress, listening: Collection[str]) -> bool:
    places = [ip_address(place.partition("%")[0]) for place in listening]
    return address in places or any(
        place.is_unspecified and place.version == address.version for place in places
    )
