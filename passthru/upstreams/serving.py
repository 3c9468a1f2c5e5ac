"""Keeping tunnels open until a signal, and following the list of them."""

import asyncio
from collections.abc import Callable

from passthru.sidecar.run import run
from passthru.sidecar.source import Source
from passthru.upstreams.dial import Dialler
from passthru.upstreams.switchboard import Switchboard


async def serve(
    source: Source,
    *,
    on_ready: Callable[[], None] = lambda: None,
    alive: Callable[[], None] = lambda: None,
    dialler: Dialler | None = None,
) -> None:
    """Keep the tunnels of `source`, a tunnels.json, open; see `run` for when it reads and ends.

    `on_ready` is called when all sockets are there, `alive` for as long as it works.
    """

    def begin(group: asyncio.TaskGroup) -> Switchboard:
        return Switchboard(group, dialler)

    await run(
        source,
        begin,
        unchanged="the tunnels stay as they are",
        on_ready=on_ready,
        alive=alive,
    )
