"""One download, looked at for all who follow it."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from passthru.fills.fill import Fill, Phase

_EVERY: Final = 0.01
"""Seconds between two looks; nginx itself looks every 0.5."""

_WINDOW: Final = 0.5
"""Seconds over which the speed is measured."""

_QUIET: Final = 1.0
"""Seconds without a new byte after which we ask whether anybody writes it still."""


class Watch:
    """How far a download is, and a wait for more; the file is closed when nobody follows it."""

    def __init__(self, fill: Fill, *, patience: float, forget: Callable[[], object]) -> None:
        """Begin to look; `forget` is called when the last one has left."""
        self.fill = fill
        self._patience = patience
        self._forget = forget
        self._users = 0
        self.readers = 0
        """How many of those who follow are sent its bytes as they come."""
        self._changed = asyncio.Event()
        self._clock = asyncio.get_running_loop().time
        self.began = self._clock()
        self._grown_at = self._doubted_at = self.began
        self.phase, self.have = fill.look()
        self._samples = deque([(self.began, self.have)])
        self._looking = asyncio.get_running_loop().create_task(self._look())

    def join(self) -> None:
        """Begin to follow."""
        self._users += 1

    def leave(self) -> None:
        """Stop following."""
        self._users -= 1
        if self._users == 0:
            self._forget()
            self._looking.cancel()
            self._looking.add_done_callback(lambda _: self.fill.close())

    async def change(self, seconds: float | None = None) -> None:
        """Wait until there is more, or the phase is another; `seconds` at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()

    def speed(self) -> float:
        """Return the bytes a second that have come of late; 0 if that cannot be told."""
        (then, had), (now, have) = self._samples[0], self._samples[-1]
        return (have - had) / (now - then) if now > then else 0.0

    def seconds_left(self) -> float | None:
        """Guess how long it will take yet; None if that cannot be told."""
        speed = self.speed()
        if self.fill.head.length is None or speed <= 0:
            return None
        return (self.fill.head.length - self.have) / speed

    async def _look(self) -> None:
        while self.phase is Phase.GROWING:
            await asyncio.sleep(_EVERY)
            try:
                phase, have = self.fill.look()
            except OSError:  # the disk is broken
                phase, have = Phase.GONE, self.have
            now = self._clock()
            if have > self.have:
                self._grown_at = now
            elif phase is Phase.GROWING:
                phase = self._doubt(now)
            self._samples.append((now, have))
            while now - self._samples[0][0] > _WINDOW:
                self._samples.popleft()
            if (phase, have) != (self.phase, self.have):
                self.phase, self.have = phase, have
                self._changed.set()
                self._changed = asyncio.Event()

    def _doubt(self, now: float) -> Phase:
        """Tell a download that pauses from one that is dead."""
        if now - self._grown_at > self._patience:
            return Phase.GONE
        if now - max(self._grown_at, self._doubted_at) > _QUIET:
            self._doubted_at = now
            if not self.fill.is_written():
                return Phase.STORED if self.fill.is_stored() else Phase.GONE
        return Phase.GROWING
