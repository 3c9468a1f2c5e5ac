"""What the kernel says of interfaces and addresses, and when either changes (rtnetlink(7))."""

import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_address
from typing import Final

from passthru.lan.interface import Held, Interface, make_interface

_NEWLINK, _GETLINK, _NEWADDR, _GETADDR = 16, 18, 20, 22
_REQUEST_DUMP: Final = 0x1 | 0x300
_DONE, _ERROR = 3, 2
_LINK_NAME, _ADDRESS, _LOCAL, _ADDRESS_FLAGS = 3, 1, 2, 8
_UP, _LOOPBACK, _MULTICAST, _LOWER_UP = 0x1, 0x8, 0x1000, 0x10000
_TEMPORARY, _DAD_FAILED, _DEPRECATED, _TENTATIVE = 0x01, 0x08, 0x20, 0x40
_GROUPS: Final = 0x1 | 0x10 | 0x100
"""RTMGRP_LINK, RTMGRP_IPV4_IFADDR and RTMGRP_IPV6_IFADDR."""

_HEADER: Final = struct.Struct("=IHHII")
_LINK: Final = struct.Struct("=BxHiII")
_ADDR: Final = struct.Struct("=BBBBI")
_SECONDS: Final = 2.0
_ROOM: Final = 1 << 18


def open_changes() -> socket.socket:
    """Return a socket that can be read when an interface or an address has changed.

    It does not block; what is read from it says nothing more. Raises OSError.
    """
    changes = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
    try:
        changes.setblocking(False)  # noqa: FBT003 - its only argument
        changes.bind((0, _GROUPS))
    except OSError:
        changes.close()
        raise
    return changes


def drain(changes: socket.socket) -> None:
    """Read all that waits there."""
    with suppress(OSError):  # nothing is left; or more happened than fitted, which is news too
        while True:
            changes.recv(_ROOM)


def list_interfaces() -> tuple[Interface, ...]:
    """Return the interfaces that are up and carry multicast, loopback left out; raises OSError."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0) as asking:
        asking.settimeout(_SECONDS)
        asking.bind((0, 0))
        links = dict(read_links(_dump(asking, _GETLINK)))
        held: dict[int, list[Held]] = {}
        for index, one in read_addresses(_dump(asking, _GETADDR)):
            held.setdefault(index, []).append(one)
    made = (make_interface(index, name, held.get(index, ())) for index, name in links.items())
    return tuple(one for one in made if one is not None)


def read_links(messages: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, str]]:
    """Yield index and name of each link that may be spoken on."""
    wanted = _UP | _LOWER_UP | _MULTICAST
    for kind, body in messages:
        if kind != _NEWLINK or len(body) < _LINK.size:
            continue
        _family, _type, index, flags, _change = _LINK.unpack_from(body)
        attributes = dict(_attributes(body[_LINK.size :]))
        name = attributes.get(_LINK_NAME, b"").rstrip(b"\0").decode(errors="replace")
        if flags & wanted == wanted and not flags & _LOOPBACK:
            yield index, name


def read_addresses(messages: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, Held]]:
    """Yield the index of the link and the address, for each that is usable now."""
    for kind, body in messages:
        if kind != _NEWADDR or len(body) < _ADDR.size:
            continue
        family, _prefix, low_flags, _scope, index = _ADDR.unpack_from(body)
        attributes = dict(_attributes(body[_ADDR.size :]))
        raw = attributes.get(_LOCAL) or attributes.get(_ADDRESS) or b""
        flags = low_flags
        if len(more := attributes.get(_ADDRESS_FLAGS, b"")) == 4:  # noqa: PLR2004 - a 32-bit word
            flags = int.from_bytes(more, "little" if struct.pack("=H", 1)[0] else "big")
        if len(raw) not in {4, 16} or flags & (_TENTATIVE | _DAD_FAILED):
            continue
        passing = bool(flags & _DEPRECATED)
        if family == socket.AF_INET6:  # for IPv4 the same bit says "secondary"
            passing |= bool(flags & _TEMPORARY)
        yield index, Held(ip_address(raw), passing)


def _dump(asking: socket.socket, kind: int) -> Iterator[tuple[int, bytes]]:
    """Ask for all there are of one kind, and yield type and body of each message."""
    asking.send(_HEADER.pack(_HEADER.size + 16, kind, _REQUEST_DUMP, 1, 0) + bytes(16))
    while True:
        data = asking.recv(_ROOM)
        while len(data) >= _HEADER.size:
            length, found, _flags, _sequence, _port = _HEADER.unpack_from(data)
            if found == _DONE or length < _HEADER.size:
                return
            if found == _ERROR:
                number = -int.from_bytes(data[_HEADER.size :][:4], "little", signed=True)
                raise OSError(number, "the kernel does not list its interfaces")
            yield found, data[_HEADER.size : length]
            data = data[_aligned(length) :]


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= 4:  # noqa: PLR2004 - length and type
        length, kind = struct.unpack_from("=HH", data)
        if length < 4:  # noqa: PLR2004 - likewise
            return
        yield kind & 0x3FFF, data[4:length]
        data = data[_aligned(length) :]


def _aligned(length: int) -> int:
    return (length + 3) & ~3
