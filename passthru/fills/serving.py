"""Answering nginx until a signal, and following the settings of whatever is live."""

import asyncio
import signal
from collections.abc import Callable

from passthru.fills.desk import Desk
from passthru.fills.entrance import Entrance
from passthru.fills.settings import Settings, parse_settings
from passthru.sidecar.run import run
from passthru.sidecar.source import Source


async def serve(
    source: Source,
    *,
    on_ready: Callable[[], None] = lambda: None,
    alive: Callable[[], None] = lambda: None,
) -> None:
    """Answer nginx as `source`, a fills.json, says; see `run` for when it reads and ends.

    `on_ready` is called when the socket is there, or when there is nothing to open one for yet,
    `alive` for as long as it works.
    """
    signal.signal(signal.SIGIO, signal.SIG_IGN)  # what a lease that is taken back sends (fcntl(2))
    await run(
        source,
        _Entrances,
        unchanged="the settings stay as they are",
        on_ready=on_ready,
        alive=alive,
    )


class _Entrances:
    """The socket that is open now, and those that were before."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._desk: Desk | None = None
        self._entrances: list[Entrance] = []

    @property
    def count(self) -> int:
        return sum(entrance.count for entrance in self._entrances)

    def follow(self, text: str | None) -> None:
        """Do as the settings say; without any, nothing is stored for the time being."""
        if text is not None:
            self._follow(parse_settings(text))

    def _follow(self, settings: Settings) -> None:
        if self._desk is None:
            self._desk = Desk(settings)
        if not self._entrances or settings.socket != self._entrances[-1].path:
            for old in self._entrances:
                old.close()
            self._entrances.append(
                Entrance(settings.socket, settings.pid_file, self._desk, self._group)
            )
        self._desk.settings = settings

    def tidy(self) -> None:
        """Have the socket again where somebody removed it."""
        for entrance in self._entrances[-1:]:
            entrance.mend()

    def close(self) -> None:
        for entrance in self._entrances:
            entrance.close()
            entrance.abort()
