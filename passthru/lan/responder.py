"""zeroconf on one network interface: opened, asked, and what it has heard looked up."""

import asyncio
import logging
import socket
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

from zeroconf._dns import DNSQuestion
from zeroconf._protocol.outgoing import DNSOutgoing
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from passthru.lan.interface import Interface
from passthru.lan.record import read_txt

ADDRESS, POINTER, TEXT, ADDRESS_6, SERVICE, ANY = 1, 12, 16, 28, 33, 255  # RFC 1035, 2782
_INTERNET: Final = 1
_QUERY: Final = 0
_PROBES: Final = 3
_PROBE_SECONDS: Final = 0.25
"""RFC 6762, section 8.1."""

logging.getLogger("zeroconf").setLevel(logging.CRITICAL)  # strangers decide how much it would say


def open_responder(interface: Interface) -> AsyncZeroconf:
    """Return a responder that hears and speaks on one interface only; raises OSError."""
    try:
        opened = AsyncZeroconf(interfaces=[str(address) for address in interface.speaking])
    except RuntimeError as fault:  # the address went while we looked
        raise OSError(str(fault)) from fault
    listener: Any = getattr(opened.zeroconf.engine, "_listen_socket", None)
    if isinstance(listener, socket.socket):
        # Linux hands a group's packets to every socket of the port, from whichever interface.
        with suppress(OSError):
            device = interface.name.encode()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device)
    return opened


async def ask(responder: AsyncZeroconf, questions: Iterable[tuple[str, int]]) -> None:
    """Ask three times; what is answered goes to the cache."""
    for _ in range(_PROBES):
        out = DNSOutgoing(_QUERY)
        for name, kind in questions:
            out.add_question(DNSQuestion(name, kind, _INTERNET))
        responder.zeroconf.async_send(out)
        await asyncio.sleep(_PROBE_SECONDS)


def known_addresses(responder: AsyncZeroconf, name: str) -> set[str]:
    """Return the addresses that a host name was heard to have."""
    cache = responder.zeroconf.cache
    found = set()
    for kind, family in ((ADDRESS, socket.AF_INET), (ADDRESS_6, socket.AF_INET6)):
        for record in cache.get_all_by_details(name, kind, _INTERNET):
            with suppress(ValueError, OSError):
                found.add(socket.inet_ntop(family, getattr(record, "address", b"")))
    return found


def other_holders(responder: AsyncZeroconf, name: str, identity: str | None) -> set[str | None]:
    """Return the identities, other than ours, of those who are known under a name."""
    cache = responder.zeroconf.cache
    found: set[str | None] = set()
    for text in cache.get_all_by_details(name, TEXT, _INTERNET):
        info = AsyncServiceInfo(name.partition(".")[2], name)
        info.text = getattr(text, "text", b"")
        found.add(read_txt(dict(info.properties)).identity)
    if not found and cache.get_all_by_details(name, SERVICE, _INTERNET):
        found.add(None)
    return found - {identity} if identity else found


def purge(responder: AsyncZeroconf, service_type: str, name: str) -> None:
    """Forget a name that cannot be sent: zeroconf would list it with every question it asks."""
    cache = responder.zeroconf.cache
    pointers = cache.get_all_by_details(service_type, POINTER, _INTERNET)
    cache.async_remove_records([one for one in pointers if getattr(one, "alias", "") == name])
