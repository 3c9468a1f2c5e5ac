"""mDNS on one network interface: browsing there, and announcing with that interface's addresses.

One responder for each interface, because an address of one network is of no use on another, and
because a name whose addresses differ from those that avahi tells there would be fought over.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final

from zeroconf import BadTypeInNameException, IPVersion, ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo

from passthru.lan.announcement import LONGEST_LABEL, Announcement, numbered
from passthru.lan.interface import Interface
from passthru.lan.neighbour import Heard
from passthru.lan.record import write_txt
from passthru.lan.responder import (
    ADDRESS,
    ADDRESS_6,
    ANY,
    ask,
    known_addresses,
    open_responder,
    other_holders,
    purge,
)

_MOST_NAMES: Final = 20
_RESOLVE_MS: Final = 1500
_MOST_RESOLVING: Final = 64
_MOST_KNOWN: Final = 4096

logger: Final = logging.getLogger(__name__)


class Link:
    """One interface; made and used inside a running event loop."""

    def __init__(
        self,
        interface: Interface,
        *,
        types: Iterable[str],
        on_heard: Callable[[Heard], None],
        on_gone: Callable[[str, str], None],
        is_known: Callable[[str, str], bool] = lambda _service, _interface: True,
        known: Iterable[tuple[str, str]] = (),
    ) -> None:
        """Listen and browse; raises OSError.

        `on_gone` is called with the service and the interface's name; `is_known` says whether
        what was told is still of interest; `known` are services and their types heard here before.
        """
        self.interface = interface
        self._on_heard = on_heard
        self._on_gone = on_gone
        self._is_known = is_known
        self._infos: list[AsyncServiceInfo] = []
        self._resolving: dict[str, asyncio.Task[None]] = {}
        self._known = dict(known)
        self._last: dict[str, object] = {}
        self._changing = asyncio.Lock()
        self.announced: Announcement | None = None
        self._number = 1
        self._conflict = self._defend = False
        self._told: set[str] = set()
        self._zeroconf = open_responder(interface)
        self._browser = AsyncServiceBrowser(
            self._zeroconf.zeroconf, sorted(types), handlers=[self._on_change]
        )

    @property
    def name(self) -> str | None:
        """The name it is announced under, if it is."""
        return numbered(self.announced.name, self._number) if self.announced else None

    async def announce(self, wanted: Announcement, *, own: frozenset[str]) -> None:
        """Announce, under the first name that is free; `own` are all addresses of this machine."""
        async with self._changing:
            if self._conflict:
                self._forget()
            if self.announced == wanted:
                if self._defend:
                    await self._tell_again()
                await self._mend()
                return
            await self._withdraw()
            server, addresses = await self._free_names(wanted, own)
            for type_ in wanted.types:
                info = _info(numbered(wanted.name, self._number), type_, wanted, server, addresses)
                self._infos.append(info)
                await self._zeroconf.async_register_service(
                    info, cooperating_responders=True, strict=False
                )
            self.announced = wanted
            logger.info(
                'announced as "%s" (%s) on %s', self.name, server.rstrip("."), self.interface.name
            )

    async def withdraw(self) -> None:
        """Say goodbye for what was announced."""
        async with self._changing:
            await self._withdraw()

    async def close(self) -> None:
        """Say goodbye and stop listening."""
        with suppress(Exception):  # the interface may be gone, and the sockets with it
            await self._browser.async_cancel()
        for task in list(self._resolving.values()):
            task.cancel()
        with suppress(Exception):
            await self._zeroconf.async_close()

    async def drop(self) -> None:
        """Stop listening without a word; what was announced will be again."""
        self._forget()
        await self.close()

    async def _withdraw(self) -> None:
        if self.announced is None:
            return
        self.announced = None
        infos, self._infos = self._infos, []
        for info in infos:
            with suppress(KeyError):
                await (await self._zeroconf.async_unregister_service(info))
        logger.info("withdrawn on %s", self.interface.name)

    def _forget(self) -> None:
        """Leave a name to its other holder: a goodbye would be one in their name too."""
        for info in self._infos:
            with suppress(KeyError):
                self._zeroconf.zeroconf.registry.async_remove(info)
        self._infos, self.announced = [], None
        self._conflict = self._defend = False

    async def _tell_again(self) -> None:
        """Say once more whose the name is: others may have believed somebody else."""
        self._defend = False
        for info in self._infos:
            await self._zeroconf.async_update_service(info)

    async def _mend(self) -> None:
        """Tell our addresses ourselves once whoever did it for us has gone."""
        if self._infos and not self._infos[0].addresses and self.interface.addresses:
            server = self._infos[0].server or ""
            await ask(self._zeroconf, [(server, ADDRESS), (server, ADDRESS_6)])
            if not known_addresses(self._zeroconf, server):
                addresses = [address.packed for address in self.interface.addresses]
                for info in self._infos:
                    info.server, info.server_key = server, server.lower()
                    info.addresses = addresses
                    await self._zeroconf.async_update_service(info)

    async def _free_names(
        self, wanted: Announcement, own: frozenset[str]
    ) -> tuple[str, list[bytes]]:
        """Find names that nobody else has; return the host's, and the addresses to tell for it."""
        host = 1
        for _ in range(_MOST_NAMES):
            names = [f"{numbered(wanted.name, self._number)}.{type_}" for type_ in wanted.types]
            server = f"{numbered(wanted.host, host)}.local."
            await ask(
                self._zeroconf,
                [*((name, ANY) for name in names), (server, ADDRESS), (server, ADDRESS_6)],
            )
            taken = any(other_holders(self._zeroconf, name, wanted.told.identity) for name in names)
            found = known_addresses(self._zeroconf, server)
            if not taken and found <= own:
                # Where avahi or another responder of this machine has the name, it tells them.
                if found and server not in self._told:
                    return server, []
                self._told.add(server)
                return server, [address.packed for address in self.interface.addresses]
            if taken:
                self._number += 1
            if not found <= own:
                logger.warning("%s is another machine on %s", server[:-1], self.interface.name)
                host += 1
        raise OSError(f"all names like {wanted.name} are taken")

    def _on_change(
        self,
        zeroconf: Zeroconf,  # noqa: ARG002 - zeroconf's calling convention
        service_type: str,
        name: str,
        state_change: ServiceStateChange,
    ) -> None:
        if state_change is ServiceStateChange.Removed:
            self._lose(name)
        else:
            self._look_up(service_type, name)

    def refresh(self) -> None:
        """Look again at what is known: what has changed, was not taken in, or is past its time.

        Nobody says goodbye for a machine that was switched off.
        """
        self._notice_conflict()
        for name, service_type in list(self._known.items()):
            info = AsyncServiceInfo(service_type, name)
            fresh = info.load_from_cache(self._zeroconf.zeroconf)
            same = self._last.get(name) == _fingerprint(info)
            if not (fresh and same and self._is_known(name, self.interface.name)):
                self._look_up(service_type, name)

    def _look_up(self, service_type: str, name: str) -> None:
        try:
            info = AsyncServiceInfo(service_type, name)
            speakable = all(len(part.encode()) <= LONGEST_LABEL for part in name.split("."))
        except (BadTypeInNameException, UnicodeEncodeError):
            speakable = False
        if not speakable:
            purge(self._zeroconf, service_type, name)
            return
        if info.load_from_cache(self._zeroconf.zeroconf):
            self._tell(info)
        elif len(self._resolving) < _MOST_RESOLVING and name not in self._resolving:
            task = asyncio.get_running_loop().create_task(self._resolve(info))
            self._resolving[name] = task
            task.add_done_callback(lambda _: self._resolving.pop(name, None))

    async def _resolve(self, info: AsyncServiceInfo) -> None:
        found = False
        with suppress(Exception):  # closed meanwhile
            found = await info.async_request(self._zeroconf.zeroconf, _RESOLVE_MS)
        if found:
            self._tell(info)
        elif info.name in self._known:
            self._lose(info.name)

    def _lose(self, name: str) -> None:
        self._known.pop(name, None)
        self._last.pop(name, None)
        self._on_gone(name, self.interface.name)

    def _tell(self, info: AsyncServiceInfo) -> None:
        heard = Heard(
            service=info.name,
            type=info.type,
            interface=self.interface.name,
            addresses=tuple(info.parsed_addresses(IPVersion.All)),
            port=info.port,
            properties=dict(info.properties),
        )
        if info.name in self._known or len(self._known) < _MOST_KNOWN:
            self._known[info.name] = info.type
            self._last[info.name] = _fingerprint(info)
        self._on_heard(heard)

    def _notice_conflict(self) -> None:
        """Two networks were joined, and each has one of this name: the lower identity keeps it."""
        if self.announced is None:
            return
        ours = self.announced.told.identity or ""
        for info in self._infos:
            for theirs in other_holders(self._zeroconf, info.name, ours):
                loses = theirs is None or theirs < ours
                self._conflict |= loses
                self._defend |= not loses


def _fingerprint(info: AsyncServiceInfo) -> object:
    """Return what differs once a service has moved, or says something else."""
    return info.server, info.port, info.text, tuple(sorted(info.parsed_addresses()))


def _info(
    label: str, type_: str, wanted: Announcement, server: str, addresses: list[bytes]
) -> AsyncServiceInfo:
    return AsyncServiceInfo(
        type_,
        f"{label}.{type_}",
        port=wanted.port,
        properties=write_txt(wanted.told),
        server=server,
        addresses=addresses,
        host_ttl=wanted.ttl,
        other_ttl=wanted.ttl,
    )
