"""Keeping tunnels open until a signal, and following the list of them."""

import asyncio
import logging
import resource
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from passthru.errors import PassthruError
from passthru.upstreams.dial import Dialler
from passthru.upstreams.switchboard import Switchboard
from passthru.upstreams.tunnel import parse_tunnels

_TICK_SECONDS: Final = 0.25
_QUIET_TICKS: Final = 2

logger: Final = logging.getLogger(__name__)


class Source(Protocol):
    """Where the list of tunnels comes from."""

    def stamp(self) -> object:
        """Return what differs once the list has changed; must not block, and raises nothing."""
        ...

    def read(self) -> str:
        """Return the list as JSON; raises OSError and PassthruError."""
        ...


class ListFile:
    """A file that is replaced when it changes, and missing when there are no tunnels."""

    def __init__(self, path: Path) -> None:
        """Name it; links on the way to it may change too."""
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
        try:
            return self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return "[]"


async def serve(
    source: Source,
    *,
    on_ready: Callable[[], None] = lambda: None,
    dialler: Dialler | None = None,
) -> None:
    """Keep the tunnels of `source` open; SIGHUP reads it anew, and so does a new stamp.

    SIGTERM and SIGINT end it at once, SIGQUIT when no connection is left. `on_ready` is called
    when all sockets are there. For the main thread only.
    """
    _raise_limit()
    state = _State(source)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, state.stop)
    loop.add_signal_handler(signal.SIGQUIT, state.leave)
    loop.add_signal_handler(signal.SIGHUP, state.again)
    async with asyncio.TaskGroup() as group:
        board = Switchboard(group, dialler)
        try:
            state.follow(board)
            on_ready()
            await state.until_stopped(board)
        finally:
            board.close()


class _State:
    """What signals have asked for, and which list is in force."""

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

    def follow(self, board: Switchboard) -> None:
        """Let the board be as the list says, if it changed; a list that cannot be read changes nothing."""
        stamp = self._source.stamp()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            board.set(parse_tunnels(self._source.read()))
        except PassthruError as error:
            logger.error("the tunnels stay as they are: %s", error)  # noqa: TRY400 - it is not a bug
        except OSError as fault:
            logger.error("the tunnels stay as they are: %s", fault)  # noqa: TRY400 - it is not a bug

    async def until_stopped(self, board: Switchboard) -> None:
        while not self._stopped.is_set() and self._quiet < _QUIET_TICKS:
            self.follow(board)
            board.tidy()
            if self._quiet >= 0:
                self._quiet = 0 if board.count else self._quiet + 1
            with suppress(TimeoutError):
                async with asyncio.timeout(_TICK_SECONDS):
                    await self._stopped.wait()


def _raise_limit() -> None:
    """Allow as many open files as we may have: each connection takes two."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
