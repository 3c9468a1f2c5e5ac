"""From what is asked for to copies of it, a look at a time."""

import logging
import time
from typing import Final

from passthru.hot.demand import WORTH, Demand
from passthru.hot.sample import Log
from passthru.hot.settings import Settings
from passthru.hot.shelf import AFTER, Shelf

EVERY: Final = 1.0
"""Seconds from one look at the log to the next: what is new stands in it a second late."""

AT_ONCE: Final = 200
"""Copies that are made at a time, which takes some 40 ms."""

BEGIN: Final = 0.7
"""The part of all requests for narinfos that must be for hot ones. nginx saves 2 µs with each copy,
and while there are any, it takes 4 µs more for each narinfo that has none."""

END: Final = 0.5
"""The part below which all copies go again."""

REST: Final = 60.0
"""Seconds for which what could not be copied is left alone, and all of it where none can be written."""

logger: Final = logging.getLogger(__name__)


class Promotion:
    """The copies of one rendering, and what may become one; moments are of the monotonic clock."""

    def __init__(self, settings: Settings, now: float) -> None:
        """Begin with no copy; what is in the log already is passed over. Raises OSError."""
        self.settings = settings
        self._shelf = Shelf(settings)
        self._shelf.clear()
        self._log = Log(settings.log)
        self._log.sample()  # hits of before may be of copies
        self._demand = Demand(now)
        self._barred: dict[str, float] = {}
        self._idle_until = now
        self._next = now
        self._complaint = ""

    def look(self, now: float) -> None:
        """Do what is due: take away what is too old, and copy what is hot."""
        if now < self._next:
            return
        self._next = now + EVERY
        try:
            self._look(now)
        except OSError as fault:
            self._next = now + REST
            self.close()
            self._complain(f"no narinfos are copied for a minute: {fault}")
        else:
            self._complaint = ""

    def close(self) -> None:
        """Leave no copy behind: nobody would remove it in time."""
        try:
            self._shelf.clear()
        except OSError as fault:
            self._complain(f"copies are left behind: {fault}")

    def _look(self, now: float) -> None:
        shelf = self._shelf
        shelf.recover()
        self._barred = {path: until for path, until in self._barred.items() if until > now}
        for gone in shelf.expire(now):
            self._barred[gone] = now + AFTER
        self._demand.age(now)
        wanted = self._wanted()
        if self._demand.share < (END if len(shelf) else BEGIN):
            if len(shelf):
                shelf.clear()
                self._idle_until = now + AFTER
            return
        if now < self._idle_until:
            return
        room = min(AT_ONCE, self.settings.most - len(shelf))
        for name, target in wanted:
            if room <= 0:
                return
            if shelf.has(target):
                continue
            if shelf.add(name, target, now=now, clock=time.time()):
                room -= 1
            else:
                self._barred[target] = now + REST

    def _wanted(self) -> list[tuple[str, str]]:
        """Return the upstream and path of what is asked for often enough, most often first."""
        asked = self._demand.add(self._log.sample())
        worth = sorted((-count, one) for one, count in asked.items() if count >= WORTH)
        named = [(name.decode(), path.decode()) for _, (name, path) in worth]
        return [(name, path) for name, path in named if path not in self._barred]

    def _complain(self, text: str) -> None:
        if text != self._complaint:
            logger.warning(text)
        self._complaint = text
