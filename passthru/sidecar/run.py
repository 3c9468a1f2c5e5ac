"""A sidecar from start to end: it follows its source and works, until a signal."""

import asyncio
import resource
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

from passthru.sidecar.follower import Follower
from passthru.sidecar.source import Source

_TICK_SECONDS: Final = 0.25
_QUIET_TICKS: Final = 2


class Work(Protocol):
    """What one sidecar does; all of it inside one task group."""

    @property
    def count(self) -> int:
        """How many are served at this moment."""
        ...

    def follow(self, text: str | None) -> None:
        """Do as the source says; raises OSError and PassthruError where it changes nothing."""
        ...

    def tidy(self) -> None:
        """Do what is to be done now and then."""
        ...

    def close(self) -> None:
        """End it at once."""
        ...


async def run(
    source: Source,
    begin: Callable[[asyncio.TaskGroup], Work],
    *,
    unchanged: str,
    on_ready: Callable[[], None] = lambda: None,
    alive: Callable[[], None] = lambda: None,
) -> None:
    """Do what `source` says; SIGHUP reads it anew, and so does a new stamp.

    SIGTERM and SIGINT end it at once, SIGQUIT when nobody is served any more. `on_ready` is called
    when it was followed for the first time, `alive` some times a second for as long as the event
    loop turns. `unchanged` is what the log says where it cannot be.
    For the main thread only.
    """
    _raise_limit()
    async with asyncio.TaskGroup() as group:
        work = begin(group)
        follower = Follower(source, work.follow, unchanged=unchanged)
        signals = _Signals(follower)
        try:
            follower.look()
            on_ready()
            while not signals.stopped.is_set() and signals.quiet < _QUIET_TICKS:
                follower.look()
                work.tidy()
                alive()
                signals.tick(work.count)
                with suppress(TimeoutError):
                    async with asyncio.timeout(_TICK_SECONDS):
                        await signals.stopped.wait()
        finally:
            work.close()


class _Signals:
    """What signals have asked for."""

    def __init__(self, follower: Follower) -> None:
        self.stopped = asyncio.Event()
        self.quiet = -1
        """For how many ticks nobody has been served since SIGQUIT; negative before it."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stopped.set)
        loop.add_signal_handler(signal.SIGQUIT, self._leave)
        loop.add_signal_handler(signal.SIGHUP, follower.again)

    def _leave(self) -> None:
        self.quiet = 0

    def tick(self, count: int) -> None:
        if self.quiet >= 0:
            self.quiet = 0 if count else self.quiet + 1


def _raise_limit() -> None:
    """Allow as many open files as we may have: each one who is served takes one or two."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
