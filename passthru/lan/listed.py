"""Peers that a spec lists: their names looked up again and again."""

import asyncio
import time
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from passthru.lan.neighbour import Neighbour, best_address
from passthru.lan.record import Told
from passthru.lan.roster import LISTED, Roster

_EVERY: Final = 30.0
_UNKNOWN_EVERY: Final = 2.0


async def keep_listed(urls: Iterable[str], roster: Roster) -> None:
    """Keep the roster up to date on these URLs, for ever."""
    urls = tuple(urls)
    while True:
        found = await asyncio.gather(*(_put(url, roster) for url in urls))
        await asyncio.sleep(_EVERY if all(found) else _UNKNOWN_EVERY)


async def _put(url: str, roster: Roster) -> bool:
    """Look one up, and say whether it has an address."""
    place = urlsplit(url)
    host, port = place.hostname or "", place.port or 80
    answers: list[str] = []
    with suppress(OSError, UnicodeError):
        found = await asyncio.get_running_loop().getaddrinfo(host, port)
        answers = [str(sockaddr[0]) for *_, sockaddr in found]
    loopback = next(
        (text for text in answers if ip_address(text.partition("%")[0]).is_loopback), None
    )
    address = best_address(tuple(answers), anywhere=True) or (loopback and ip_address(loopback))
    if not address:
        return False
    roster.put(
        Neighbour(
            name=host,
            service=url,
            type="",
            interface=LISTED,
            address=address,
            port=port,
            tls=False,
            told=Told(is_cache=True),
            seen_at=time.time(),
        )
    )
    return True
