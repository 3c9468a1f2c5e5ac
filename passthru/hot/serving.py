"""Making copies of what the log shows to be hot, until a signal."""

import logging
import time
from collections.abc import Callable
from typing import Final

from passthru.hot.demand import WORTH, Demand
from passthru.hot.sample import Log
from passthru.hot.settings import parse_settings
from passthru.hot.shelf import AFTER, Shelf
from passthru.sidecar.run import run
from passthru.sidecar.source import Source

EVERY: Final = 1.0
"""Seconds from one look at the log to the next: what is new stands in it a second late."""

AT_ONCE: Final = 200
"""Copies that are made at a time, which takes some 40 ms."""

_UNFIT: Final = 60.0
"""Seconds for which what could not be copied is left alone, and all of it where none can be written."""

logger: Final = logging.getLogger(__name__)


async def serve(
    source: Source,
    *,
    on_ready: Callable[[], None] = lambda: None,
    alive: Callable[[], None] = lambda: None,
) -> None:
    """Copy what is hot as `source`, a hot.json, says; see `run` for when it reads and ends."""
    await run(
        source,
        lambda _: _Promotion(),
        unchanged="the settings stay as they are",
        on_ready=on_ready,
        alive=alive,
    )


class _Promotion:
    """What is asked for, and what there is of it."""

    def __init__(self) -> None:
        self._shelf: Shelf | None = None
        self._log = Log("")
        self._demand = Demand(time.monotonic())
        self._barred: dict[str, float] = {}
        self._next = 0.0
        self._complaint = ""

    @property
    def count(self) -> int:
        """How many are served: nobody is."""
        return 0

    def follow(self, text: str | None) -> None:
        """Do as the settings say; without any there are to be no copies."""
        settings = None if text is None else parse_settings(text)
        if self._shelf is not None and settings == self._shelf.settings:
            return
        self.close()
        if settings is None:
            return
        self._shelf = Shelf(settings)
        if self._log.path != settings.log:
            self._log = Log(settings.log)
        self._log.sample()  # hits of before may be of copies
        self._next = 0.0

    def tidy(self) -> None:
        """Look at the log now and then, and at what has become too old."""
        now = time.monotonic()
        if self._shelf is None or now < self._next:
            return
        self._next = now + EVERY
        try:
            self._look(self._shelf, now)
        except OSError as fault:
            self._shelf.doubt()
            self._next = now + _UNFIT
            self._complain(f"no narinfos are copied for a minute: {fault}")
        else:
            self._complaint = ""

    def close(self) -> None:
        """Leave no copy behind: nobody would remove it in time."""
        shelf, self._shelf = self._shelf, None
        if shelf is not None:
            try:
                shelf.clear()
            except OSError as fault:
                self._complain(f"copies are left behind: {fault}")

    def _look(self, shelf: Shelf, now: float) -> None:
        self._barred = {path: until for path, until in self._barred.items() if until > now}
        for gone in shelf.expire(now):
            self._barred[gone] = now + AFTER
        shelf.prepare()
        self._demand.age(now)
        asked = self._demand.add(self._log.sample())
        wanted = sorted(
            (-count, name, path)
            for (name, path), count in asked.items()
            if count >= WORTH and not shelf.has(path.decode()) and path.decode() not in self._barred
        )
        room = max(0, shelf.settings.most - len(shelf))
        for _, name, path in wanted[: min(room, AT_ONCE)]:
            target = path.decode()
            if shelf.has(target):
                continue  # of another upstream
            if not shelf.add(name.decode(), target, now=now, clock=time.time()):
                self._barred[target] = now + _UNFIT

    def _complain(self, text: str) -> None:
        if text != self._complaint:
            logger.warning(text)
        self._complaint = text
