"""The exporter from start to end: reads, looks around and answers, until a signal."""

import asyncio
import logging
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

import uvicorn
from typing_extensions import override

from passthru.errors import PassthruError
from passthru.sidecar.own_socket import OwnSocket, listening
from passthru.stats.app import Page, make_app
from passthru.stats.bookkeeper import Bookkeeper
from passthru.stats.facts import Facts, FactsFile
from passthru.stats.lookout import Lookout
from passthru.stats.reporter import Reporter

READ_SECONDS: Final = 0.5
"""Between two looks at a log that is read to its end."""

_PROBE_SECONDS: Final = 5.0
_FACTS_SECONDS: Final = 0.5
_SCAN_DELAY: Final = 1.0
_ROTATE_SECONDS: Final = 60.0
_MOST_REQUESTS: Final = 64

logger: Final = logging.getLogger(__name__)


def nothing(_text: str = "") -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Signs:
    """What a service manager is told."""

    ready: Callable[[str], None] = nothing
    alive: Callable[[], None] = nothing
    """Called after each look at the log."""

    rotate: Callable[[str], None] = nothing
    """Called with the path of the log now and then."""


async def serve(source: FactsFile, page: Page, signs: Signs) -> None:
    """Export the instance that `source` tells of until SIGTERM, SIGINT or SIGQUIT.

    Waits for the facts if they are not there yet. Only for the main thread.
    Raises PassthruError for facts that cannot be understood at the start, for a ledger that another
    process has, and for a socket that cannot be had or was removed.
    """
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        loop.add_signal_handler(number, stopped.set)
    facts = await _await_facts(source, signs, stopped)
    if facts is None:
        return
    with ThreadPoolExecutor(1, "books") as thread:
        # Before the socket, which is another's as long as the ledger is.
        books = await loop.run_in_executor(thread, Bookkeeper, facts)
        lookout = Lookout(facts)
        reporter = Reporter(books, lookout, thread)
        try:
            with listening(facts.sockets.exporter) as own:
                work = _Work(source, books, lookout, reporter, signs, own, stopped)
                await work.run(_Server(make_app(reporter, page)))
                if not own.is_there():
                    raise PassthruError(f"{own.path} was removed, so nobody could ask any more")
        finally:
            lookout.stop()
            await loop.run_in_executor(thread, books.close)


async def _await_facts(source: FactsFile, signs: Signs, stopped: asyncio.Event) -> Facts | None:
    told = False
    while not stopped.is_set():
        facts = source.changed()
        if facts is not None:
            return facts
        if not told:
            logger.info("waiting for %s", source.path)
            signs.ready(f"waiting for {source.path}")
            told = True
        signs.alive()
        await _wait(stopped, _FACTS_SECONDS)
    return None


@dataclass(frozen=True, slots=True)
class _Work:
    """The loops."""

    source: FactsFile
    books: Bookkeeper
    lookout: Lookout
    reporter: Reporter
    signs: Signs
    own: OwnSocket
    stopped: asyncio.Event

    async def run(self, server: "_Server") -> None:
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(server.serve(sockets=[self.own.listener]))
            loops = [
                group.create_task(loop())
                for loop in (self._read, self._follow, self._probe, self._scan, self._rotate)
            ]
            self.signs.ready("reading the log")
            await self.stopped.wait()
            server.should_exit = True
            self.lookout.stop()
            await serving
            for task in loops:
                task.cancel()

    async def _read(self) -> None:
        while not self.stopped.is_set():
            more = await self.reporter.on_books(self.books.read)
            self.signs.alive()
            if not more:
                await _wait(self.stopped, READ_SECONDS)

    async def _follow(self) -> None:
        """Take new facts over; those that cannot be understood change nothing.

        Stop where the socket was removed: whoever starts us again has a new one.
        """
        while not self.stopped.is_set():
            if not self.own.is_there():
                self.stopped.set()
            try:
                facts = self.source.changed()
            except PassthruError as fault:
                logger.error("the facts stay as they are: %s", fault)  # noqa: TRY400 - it is not a bug
                facts = None
            if facts is not None:
                self.lookout.facts = facts
                await self.reporter.on_books(lambda facts=facts: self.books.follow(facts))  # type: ignore[misc]
            await _wait(self.stopped, _FACTS_SECONDS)

    async def _probe(self) -> None:
        while not self.stopped.is_set():
            facts = self.lookout.facts
            asked_at = await self.reporter.on_books(self.books.ledger.asked_at)
            names = tuple(one.name for one in facts.upstreams)
            await self.lookout.probes.run(facts.sockets.nginx, names, asked_at)
            await _wait(self.stopped, _PROBE_SECONDS)

    async def _rotate(self) -> None:
        while not self.stopped.is_set():
            await _wait(self.stopped, _ROTATE_SECONDS)
            await asyncio.to_thread(self.signs.rotate, self.lookout.facts.access_log)

    async def _scan(self) -> None:
        await _wait(self.stopped, _SCAN_DELAY)
        while not self.stopped.is_set():
            rest = await asyncio.to_thread(self.lookout.scan)
            await _wait(self.stopped, rest)


class _Server(uvicorn.Server):
    """Leaves signals to us, and says nothing."""

    def __init__(self, app: object) -> None:
        super().__init__(
            uvicorn.Config(
                app,  # type: ignore[arg-type]
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                limit_concurrency=_MOST_REQUESTS,
                timeout_graceful_shutdown=1,
            )
        )
        logging.getLogger("uvicorn").setLevel(logging.WARNING)

    @override
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _wait(stopped: asyncio.Event, seconds: float) -> None:
    """Wait so long, or until we are to stop."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stopped.wait()
