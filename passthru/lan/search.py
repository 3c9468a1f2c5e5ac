"""Listening for caches, without announcing anything."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from passthru.lan.announcement import BROWSED
from passthru.lan.roster import Roster
from passthru.lan.station import Station

_TICK_SECONDS: Final = 1.0


@asynccontextmanager
async def searching(
    *, identity: str | None, anywhere: bool = False, on_change: Callable[[], None] = lambda: None
) -> AsyncIterator[Roster]:
    """Give the roster of what is heard, kept up to date inside the `with`."""
    roster = Roster(identity=identity, anywhere=anywhere, on_change=on_change)
    station = Station(roster, types=BROWSED)
    station.listen()
    await station.reconcile()
    async with asyncio.TaskGroup() as group:
        tasks = (group.create_task(roster.watch()), group.create_task(_keep(station)))
        try:
            yield roster
        finally:
            for task in tasks:
                task.cancel()
            roster.close()
            await station.close()


async def _keep(station: Station) -> None:
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(_TICK_SECONDS):
                await station.changed.wait()
                await station.settle()
        await station.reconcile()
