"""A socket of ours at which nginx knocks, and a task for each connection that comes in."""

import asyncio
import os
import socket
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any, Final

from passthru.sidecar.own_socket import OwnSocket

_BACKLOG: Final = 1024
_FULL_SECONDS: Final = 0.2


class Door:
    """It is open from the start; for use inside one task group."""

    def __init__(
        self,
        path: str,
        serve: Callable[[socket.socket], Coroutine[Any, Any, None]],
        group: asyncio.TaskGroup,
        *,
        complain: Callable[[str], None],
    ) -> None:
        """Listen, over whatever a dead one left there; raises OSError.

        `serve` is given each connection, which is closed when it ends; it raises nothing.
        `complain` is told each time that a connection could not be taken.
        """
        self._serve = serve
        self._group = group
        self._complain = complain
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._own = OwnSocket.at(Path(path), backlog=_BACKLOG)
        self._tasks: set[asyncio.Task[None]] = set()
        self._accepting = self._begin()

    @property
    def count(self) -> int:
        """How many connections there are."""
        return len(self._tasks)

    def is_there(self) -> bool:
        """Say whether who knocks now comes to us, and not to one that took over."""
        return self._own.is_there()

    def mend(self) -> None:
        """Have the name again where somebody removed it; who has connected stays.

        Not without its directory: that is another's to make, with a mode that lets nginx in.
        """
        path = self._own.path
        if os.path.lexists(path) or not path.parent.is_dir() or self._accepting.done():
            return
        try:
            own = OwnSocket.at(path, backlog=_BACKLOG)
        except OSError as fault:
            self._complain(f"cannot listen on {path} again: {fault.strerror}")
            return
        self._accepting.cancel()
        self._own = own
        self._accepting = self._begin()

    def close(self) -> None:
        """Stop listening, and remove the socket unless it is another's by now."""
        self._accepting.cancel()
        self._own.remove()

    def abort(self) -> None:
        """End all connections."""
        for task in self._tasks:
            task.cancel()

    def _begin(self) -> asyncio.Task[None]:
        listener = self._own.listener
        task = self._group.create_task(self._accept(listener))
        # Not before: a descriptor must not be closed while the event loop waits for it.
        task.add_done_callback(lambda _: listener.close())
        return task

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                stream, _ = await loop.sock_accept(listener)
            except OSError as fault:  # too many open files: those waiting are not lost
                self._complain(f"cannot accept: {fault.strerror}")
                await asyncio.sleep(_FULL_SECONDS)
                continue
            task = self._group.create_task(self._serve(stream))
            self._tasks.add(task)
            task.add_done_callback(partial(self._forget, stream))

    def _forget(self, stream: socket.socket, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        stream.close()
