"""The sidecar: announcing, browsing and following until a signal."""

import asyncio
import logging
import math
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from passthru.lan.announcement import BROWSED, Announcement
from passthru.lan.assignment import Assignment, parse_assignment
from passthru.lan.hop import Hop
from passthru.lan.identity import keep_identity
from passthru.lan.listed import keep_listed
from passthru.lan.notice import Notice
from passthru.lan.roster import Roster
from passthru.lan.station import Station
from passthru.sidecar.follower import Follower
from passthru.sidecar.source import Source

TICK_SECONDS: Final = 1.0
RENEW_SECONDS: Final = 30.0
_FAILURES: Final = 2
"""Times in a row that /health does not answer before we say goodbye: a reload is no reason."""

logger: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an instance keeps what concerns the LAN, and how it is."""

    identity: Path
    neighbours: Path
    is_healthy: Callable[[], bool] = field(repr=False)
    """Whether the cache answers; may block for a moment."""


async def serve(
    source: Source,
    place: Place,
    *,
    on_ready: Callable[[], None] = lambda: None,
    alive: Callable[[], None] = lambda: None,
) -> None:
    """Do what `source` says; SIGHUP reads it anew, and so does a new stamp.

    SIGTERM, SIGINT and SIGQUIT end it, with a goodbye. `alive` is called every second for as long
    as the event loop turns. For the main thread only.
    """
    sidecar = _Sidecar(source, place)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        loop.add_signal_handler(number, sidecar.stop)
    loop.add_signal_handler(signal.SIGHUP, sidecar.again)
    await sidecar.run(on_ready, alive)


class _Sidecar:
    def __init__(self, source: Source, place: Place) -> None:
        self._follower = Follower(source, self._obey, unchanged="what is announced stays as it is")
        self._place = place
        self._identity = keep_identity(place.identity)
        self._changed = asyncio.Event()
        self._roster = Roster(identity=self._identity, on_change=self._changed.set)
        self._station = Station(self._roster, types=BROWSED)
        self._notice = Notice(place.neighbours)
        self._assignment = Assignment()
        self._hop: Hop | None = None
        self._listed: asyncio.Task[None] | None = None
        self._stopped = asyncio.Event()
        self._failures = 0
        self._told = ""
        self._broken = 0
        self._renew_at = -math.inf

    def stop(self) -> None:
        self._stopped.set()
        self._station.changed.set()

    def again(self) -> None:
        self._follower.again()
        self._station.changed.set()

    async def run(self, on_ready: Callable[[], None], alive: Callable[[], None]) -> None:
        asyncio.get_running_loop().set_exception_handler(self._notice_broken)
        self._station.listen()
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._roster.watch()),
                group.create_task(self._report()),
                group.create_task(_beat(alive)),
            ]
            try:
                await self._turn()
                on_ready()
                while not self._stopped.is_set():
                    await self._wait()
                    await self._turn()
            finally:
                for task in tasks:
                    task.cancel()
                self._roster.close()
                await self._close_hop()
                await self._station.close()
                self._notice.remove()

    def _notice_broken(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Take a failure inside zeroconf for what it is: a packet that it was not made for."""
        self._broken += 1
        fault = context.get("exception")
        if self._broken == 1:
            logger.warning("mDNS starts anew after %s", type(fault).__name__ if fault else context)
        logger.debug("%s", context.get("message"), exc_info=fault)

    async def _renew(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._broken and now >= self._renew_at:
            self._broken, self._renew_at = 0, now + RENEW_SECONDS
            await self._station.renew()

    async def _wait(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(TICK_SECONDS):
                await self._station.changed.wait()
        if self._station.changed.is_set() and not self._stopped.is_set():
            await self._station.settle()

    async def _turn(self) -> None:
        if self._stopped.is_set():
            return
        self._follower.look()
        if not self._place.neighbours.exists():
            self._changed.set()
        self._station.active = self._assignment.is_needed
        self._station.named = self._assignment.interfaces
        self._station.listening = self._assignment.listening
        await self._follow()
        await self._renew()
        await self._station.reconcile()
        await self._station.announce(await self._wanted())

    async def _wanted(self) -> Announcement | None:
        """Return what is to be announced now: nothing while the cache does not answer."""
        announcement = self._assignment.announcement
        if announcement is None:
            return None
        healthy = await asyncio.to_thread(self._place.is_healthy)
        self._failures = 0 if healthy else self._failures + 1
        announced = any(link.announced for link in self._station.links)
        if not healthy and not (announced and self._failures < _FAILURES):
            return None
        return replace(announcement, told=replace(announcement.told, identity=self._identity))

    async def _follow(self) -> None:
        """Have a hop for following as the assignment says, or none."""
        wanted = self._assignment.following
        if self._hop is not None and self._hop.following == wanted and self._hop.is_there():
            return
        await self._close_hop()
        if wanted is None:
            return
        hop = Hop(
            wanted,
            neighbours=lambda: self._roster.neighbours,
            doubt=self._roster.doubt,
            identity=self._identity,
        )
        self._roster.loop_token = wanted.loop_token
        try:
            await hop.open()
        except OSError as fault:
            logger.error("cannot listen on %s: %s", wanted.socket, fault.strerror)  # noqa: TRY400 - it is not a bug
            return
        self._hop = hop
        if wanted.peers:
            self._listed = asyncio.get_running_loop().create_task(
                keep_listed(wanted.peers, self._roster)
            )

    async def _close_hop(self) -> None:
        if self._listed is not None:
            self._listed.cancel()
            self._listed = None
        if self._hop is not None:
            await self._hop.close()
            self._hop = None

    def _obey(self, text: str | None) -> None:
        self._assignment = Assignment() if text is None else parse_assignment(text)

    async def _report(self) -> None:
        """Write down what is known, some times a second at most."""
        while True:
            try:
                self._notice.write(self._roster.neighbours)
                self._told = ""
            except OSError as fault:
                if (words := str(fault.strerror)) != self._told:
                    logger.warning("cannot write %s: %s", self._place.neighbours, words)
                    self._told = words
            await self._changed.wait()
            await asyncio.sleep(0.2)
            self._changed.clear()


async def _beat(alive: Callable[[], None]) -> None:
    """Give signs of life beside all that may be waited for."""
    while True:
        alive()
        await asyncio.sleep(TICK_SECONDS)
