"""Signals as something to wait for: handlers only take notes."""

import os
import select
import signal
from types import FrameType
from typing import Any, Final, Self

STOPPING: Final = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGQUIT})
_WATCHED: Final = (*STOPPING, signal.SIGHUP, signal.SIGUSR1, signal.SIGCHLD)


class Signals:
    """The signals that came while this was entered; for the main thread only."""

    def __init__(self) -> None:
        self.stops = 0
        """How many times we were asked to stop."""
        self._noted: set[int] = set()
        self._before: dict[signal.Signals, Any] = {}  # Any: whatever signal.signal() returns

    def __enter__(self) -> Self:
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._old_wakeup = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        for number in _WATCHED:
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        signal.set_wakeup_fd(self._old_wakeup)
        os.close(self._read)
        os.close(self._write)

    def take(self, number: signal.Signals) -> bool:
        """Say whether `number` came since this was last asked."""
        came = number in self._noted
        self._noted.discard(number)
        return came

    def wait(self, seconds: float) -> None:
        """Wait for any watched signal, for so long at most."""
        poll = select.poll()
        poll.register(self._read, select.POLLIN)
        if poll.poll(seconds * 1000):
            os.read(self._read, 4096)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if number in STOPPING:
            self.stops += 1
        self._noted.add(number)
