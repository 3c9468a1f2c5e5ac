"""Answering nginx until a signal, and following the settings of whatever is live."""

import asyncio
import logging
import resource
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from passthru.errors import PassthruError
from passthru.fills.counter import Counter
from passthru.fills.desk import Desk
from passthru.fills.settings import Settings, parse_settings

_TICK_SECONDS: Final = 0.25
_QUIET_TICKS: Final = 2

logger: Final = logging.getLogger(__name__)


class Source(Protocol):
    """Where the settings come from."""

    def stamp(self) -> object:
        """Return what differs once they have changed; must not block, and raises nothing."""
        ...

    def read(self) -> str:
        """Return them as JSON; raises OSError and PassthruError."""
        ...


class SettingsFile:
    """A rendered fills.json; links on the way to it may change too."""

    def __init__(self, path: Path) -> None:
        """Name it."""
        self._path = path

    def stamp(self) -> object:
        """Return what tells one file from another."""
        try:
            found = self._path.stat()
        except OSError as fault:
            return fault.errno
        return found.st_dev, found.st_ino, found.st_mtime_ns

    def read(self) -> str:
        """Return its text."""
        return self._path.read_text(encoding="utf-8")


async def serve(source: Source, *, on_ready: Callable[[], None] = lambda: None) -> None:
    """Answer nginx; SIGHUP reads the settings anew, and so does a new stamp.

    SIGTERM and SIGINT end it at once, SIGQUIT when nobody follows. `on_ready` is called when the
    socket is there, or when there is nothing to open one for yet. For the main thread only.
    """
    _raise_limit()
    signal.signal(signal.SIGIO, signal.SIG_IGN)  # what a lease that is taken back sends (fcntl(2))
    state = _State(source)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, state.stop)
    loop.add_signal_handler(signal.SIGQUIT, state.leave)
    loop.add_signal_handler(signal.SIGHUP, state.again)
    async with asyncio.TaskGroup() as group:
        office = _Office(group)
        try:
            state.follow(office)
            on_ready()
            await state.until_stopped(office)
        finally:
            office.close()


class _Office:
    """The socket that is open now, and those that were before."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._desk: Desk | None = None
        self._counters: list[Counter] = []

    @property
    def count(self) -> int:
        return sum(counter.count for counter in self._counters)

    def follow(self, settings: Settings) -> None:
        """Do as the settings say; raises OSError."""
        if self._desk is None:
            self._desk = Desk(settings)
        if not self._counters or settings.socket != self._counters[-1].path:
            for old in self._counters:
                old.close()
            self._counters.append(
                Counter(settings.socket, settings.pid_file, self._desk, self._group)
            )
        self._desk.settings = settings

    def close(self) -> None:
        for counter in self._counters:
            counter.close()
            counter.abort()


class _State:
    """What signals have asked for, and which settings are in force."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._stamp: object = self
        self._stopped = asyncio.Event()
        self._quiet = -1

    def stop(self) -> None:
        self._stopped.set()

    def leave(self) -> None:
        self._quiet = 0

    def again(self) -> None:
        self._stamp = self

    def follow(self, office: _Office) -> None:
        """Take the settings, if they changed; what cannot be read changes nothing."""
        stamp = self._source.stamp()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            office.follow(parse_settings(self._source.read()))
        except FileNotFoundError:
            return  # nothing is stored for the time being
        except (OSError, PassthruError) as fault:
            logger.error("the settings stay as they are: %s", fault)  # noqa: TRY400 - it is not a bug

    async def until_stopped(self, office: _Office) -> None:
        while not self._stopped.is_set() and self._quiet < _QUIET_TICKS:
            self.follow(office)
            if self._quiet >= 0:
                self._quiet = 0 if office.count else self._quiet + 1
            with suppress(TimeoutError):
                async with asyncio.timeout(_TICK_SECONDS):
                    await self._stopped.wait()


def _raise_limit() -> None:
    """Allow as many open files as we may have: each follower takes one."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
