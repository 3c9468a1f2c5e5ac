"""mDNS on all interfaces that count, as they come and go."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from passthru.lan import netlink
from passthru.lan.announcement import Announcement
from passthru.lan.interface import Interface, choose
from passthru.lan.link import Link
from passthru.lan.roster import Roster

if TYPE_CHECKING:
    import socket

_SETTLE_SECONDS: Final = 0.2
"""Addresses come in groups."""

_REFRESH_SECONDS: Final = 3.0
_PAUSES: Final = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)

logger: Final = logging.getLogger(__name__)


@dataclass(slots=True)
class _Trouble:
    """An interface on which mDNS did not open, and when it is tried again."""

    count: int
    told: str
    again: float


class Station:
    """The links of this machine; used inside one running event loop."""

    def __init__(
        self,
        roster: Roster,
        *,
        types: Iterable[str],
        list_interfaces: Callable[[], tuple[Interface, ...]] = netlink.list_interfaces,
    ) -> None:
        """Begin without any link."""
        self.named: tuple[str, ...] = ()
        """The only interfaces to speak on; empty: all."""

        self.listening: tuple[str, ...] = ()
        """The only addresses to announce; empty: all."""

        self.active = True
        """Whether there is anything to speak of."""

        self._roster = roster
        self._types = tuple(types)
        self._list = list_interfaces
        self._links: dict[str, Link] = {}
        self._troubles: dict[str, _Trouble] = {}
        self._changes: socket.socket | None = None
        self._refresh_at = 0.0
        self.changed = asyncio.Event()
        """Set when interfaces or addresses have changed."""

    @property
    def links(self) -> tuple[Link, ...]:
        """Those that are open."""
        return tuple(self._links.values())

    def listen(self) -> None:
        """Hear of changes from now on."""
        try:
            self._changes = netlink.open_changes()
        except OSError as fault:
            logger.warning("changes of interfaces are seen late: %s", fault.strerror)
            return
        asyncio.get_running_loop().add_reader(self._changes, self._on_changes)

    async def settle(self) -> None:
        """Let addresses that come together come."""
        self.changed.clear()
        await asyncio.sleep(_SETTLE_SECONDS)

    async def reconcile(self) -> None:
        """Open and close links until they are those of the interfaces there are."""
        try:
            present = self._list()
        except OSError as fault:
            logger.warning("cannot list the interfaces: %s", fault.strerror)
            return
        self._roster.own = frozenset(
            str(address) for one in present for address in (*one.addresses, *one.speaking)
        )
        chosen = choose(present, named=self.named, listening=self.listening) if self.active else ()
        wanted = {one.name: one for one in chosen}
        stale = [link for name, link in self._links.items() if wanted.get(name) != link.interface]
        for link in stale:
            del self._links[link.interface.name]
        await asyncio.gather(*(link.close() for link in stale))
        self._roster.forget_all_but(wanted)
        now = asyncio.get_running_loop().time()
        if now >= self._refresh_at:
            self._refresh_at = now + _REFRESH_SECONDS
            for link in self.links:
                link.refresh()
        for name, interface in wanted.items():
            if name not in self._links:
                self._open(interface)

    async def renew(self) -> None:
        """Open all links anew, without a goodbye: something of theirs has broken."""
        links, self._links = self.links, {}
        await asyncio.gather(*(link.drop() for link in links))
        await self.reconcile()

    async def announce(self, announcement: Announcement | None) -> None:
        """Let all links announce this, or nothing."""
        await asyncio.gather(*(self._announce(link, announcement) for link in self.links))

    async def close(self) -> None:
        """Say goodbye everywhere."""
        if self._changes is not None:
            asyncio.get_running_loop().remove_reader(self._changes)
            self._changes.close()
            self._changes = None
        links, self._links = self.links, {}
        await asyncio.gather(*(link.close() for link in links))

    async def _announce(self, link: Link, announcement: Announcement | None) -> None:
        try:
            if announcement is None or not link.interface.addresses:
                await link.withdraw()
            else:
                await link.announce(announcement, own=self._roster.own)
        except Exception as fault:  # noqa: BLE001 - whatever mDNS does, the cache serves on
            self._fail(link.interface.name, fault)
            self._links.pop(link.interface.name, None)
            with suppress(Exception):
                await link.close()

    def _open(self, interface: Interface) -> None:
        now = asyncio.get_running_loop().time()
        trouble = self._troubles.get(interface.name)
        if trouble is not None and now < trouble.again:
            return
        try:
            self._links[interface.name] = Link(
                interface,
                types=self._types,
                on_heard=self._roster.heard,
                on_gone=self._roster.gone,
                is_known=self._roster.knows,
                known=self._roster.heard_on(interface.name).items(),
            )
        except Exception as fault:  # noqa: BLE001 - likewise
            self._fail(interface.name, fault)
            return
        if self._troubles.pop(interface.name, None):
            logger.info("mDNS works on %s again", interface.name)

    def _fail(self, name: str, fault: Exception) -> None:
        """Say once what is wrong, and try again later and later."""
        words = getattr(fault, "strerror", None) or str(fault) or type(fault).__name__
        before = self._troubles.get(name)
        count = before.count + 1 if before else 0
        if before is None or before.told != words:
            logger.warning("no mDNS on %s, and trying again: %s", name, words)
        pause = _PAUSES[min(count, len(_PAUSES) - 1)]
        again = asyncio.get_running_loop().time() + pause
        self._troubles[name] = _Trouble(count, words, again)

    def _on_changes(self) -> None:
        if self._changes is not None:
            netlink.drain(self._changes)
        self.changed.set()
