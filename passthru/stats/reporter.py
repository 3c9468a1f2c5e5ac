"""What is answered: the snapshot and the metrics, made when somebody asks, from one view of it all."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from prometheus_client import ProcessCollector

from passthru.stats.assemble import take_snapshot
from passthru.stats.batch import MOST_PATHS
from passthru.stats.bookkeeper import Bookkeeper
from passthru.stats.exposition import Exposition, write_metrics
from passthru.stats.facts import Facts
from passthru.stats.lookout import Lookout
from passthru.stats.naming import Names
from passthru.stats.snapshot import Snapshot
from passthru.stats.view import View, World

FRESH_SECONDS: Final = 1.0
"""For which a snapshot is good for whoever asks next: many pages cost as much as one."""

_DAY: Final = 86400.0

_Result = TypeVar("_Result")


class Reporter:
    """Brings the bookkeeper, who has a thread of its own, and the lookout together."""

    def __init__(self, books: Bookkeeper, lookout: Lookout, thread: ThreadPoolExecutor) -> None:
        """`books` is only touched on `thread`, which has one worker."""
        self._books = books
        self._lookout = lookout
        self._thread = thread
        self._process = ProcessCollector(registry=None)
        self._names = Names()
        self._lock = asyncio.Lock()
        self._snapshot: Snapshot | None = None
        self._made_at = float("-inf")

    @property
    def facts(self) -> Facts:
        """What is known of the instance."""
        return self._lookout.facts

    async def on_books(self, act: Callable[[], _Result]) -> _Result:
        """Run `act` on the bookkeeper's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, act)

    async def metrics(self, accept: str) -> tuple[bytes, str]:
        """Return the metrics in the format that is accepted, and its content type."""
        world, facts = await self._lookout.world(), self.facts

        def write() -> tuple[bytes, str]:
            books = self._books
            exposition = Exposition(facts, books.ledger.totals(), world, books.log_view())
            return write_metrics(exposition, accept, self._process)

        return await self.on_books(write)

    async def snapshot(self) -> Snapshot:
        """Return a snapshot that is a second old at most."""
        async with self._lock:
            if self._snapshot is None or time.monotonic() - self._made_at > FRESH_SECONDS:
                world = await self._lookout.world()
                self._snapshot = await self.on_books(lambda: self._take(world))
                self._made_at = time.monotonic()
            return self._snapshot

    def _take(self, world: World) -> Snapshot:
        now = time.time()
        books = self._books
        counted, log = books.counted(now), books.log_view()
        view = View(now, self.facts, world, counted, log)
        if not self.facts.status.paths:
            return take_snapshot(view)
        paths = books.ledger.wanted(now - _DAY, MOST_PATHS)
        self._names.learn(self.facts, (path for path, _count in paths))
        return take_snapshot(view, self._names.wanted(paths), self._names.name_of)
