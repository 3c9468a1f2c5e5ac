"""The socket of one tunnel, and the connections that came in through it."""

import asyncio
import logging
import os
import socket
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from passthru.errors import ProxyError
from passthru.upstreams.complaint import Complaints
from passthru.upstreams.dial import Dialler
from passthru.upstreams.pump import pump
from passthru.upstreams.tunnel import Tunnel

_BACKLOG: Final = 1024
_FULL_SECONDS: Final = 0.2

_IDLE_SECONDS: Final = 10.0
"""After this long without a byte, a connection made in a way that no longer holds is closed."""

logger: Final = logging.getLogger(__name__)


class Entrance:
    """A listening socket; it leads where `tunnel` says, and old connections where it said then."""

    def __init__(self, tunnel: Tunnel, dialler: Dialler, group: asyncio.TaskGroup) -> None:
        """Listen, over whatever a dead tunnel left there; raises OSError."""
        self.tunnel = tunnel
        self._dialler = dialler
        self._group = group
        self._complaints = Complaints(tunnel.name)
        self._listener = _listen(tunnel.socket)
        self._inode = Path(tunnel.socket).stat().st_ino
        self._lines: set[_Line] = set()
        self._accepting = group.create_task(self._accept())
        # Not before: a descriptor must not be closed while the event loop waits for it.
        self._accepting.add_done_callback(lambda _: self._listener.close())

    @property
    def count(self) -> int:
        """How many connections there are."""
        return len(self._lines)

    def drop_old(self, *, all_are: bool = False) -> None:
        """Close what is idle and was made for another tunnel than this one now is."""
        for line in self._lines:
            if all_are or line.tunnel != self.tunnel:
                line.end_if_idle()

    def abort(self) -> None:
        """End all connections."""
        for line in self._lines:
            line.end()

    def close(self) -> None:
        """Stop listening, and remove the socket unless it is another's by now."""
        self._accepting.cancel()
        with suppress(OSError):
            path = Path(self.tunnel.socket)
            if path.stat().st_ino == self._inode:
                path.unlink()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                near, _ = await loop.sock_accept(self._listener)
            except OSError as fault:  # too many open files: those waiting are not lost
                self._complaints.fail(f"cannot accept: {fault.strerror}")
                await asyncio.sleep(_FULL_SECONDS)
                continue
            line = _Line(near, self.tunnel, self._dialler, self._complaints)
            self._lines.add(line)
            line.task = self._group.create_task(line.run())
            line.task.add_done_callback(partial(self._forget, line))

    def _forget(self, line: "_Line", _task: asyncio.Task[None]) -> None:
        self._lines.discard(line)
        line.near.close()


class _Line:
    """One connection of nginx's, and the one through the proxy that belongs to it."""

    def __init__(
        self, near: socket.socket, tunnel: Tunnel, dialler: Dialler, complaints: Complaints
    ) -> None:
        self.tunnel = tunnel
        self.task: asyncio.Task[None] | None = None
        self.near = near
        self._dialler = dialler
        self._complaints = complaints
        self._clock = asyncio.get_running_loop().time
        self._moved_at = self._clock()

    def end(self) -> None:
        if self.task is not None:
            self.task.cancel()

    def end_if_idle(self) -> None:
        if self._clock() - self._moved_at > _IDLE_SECONDS:
            self.end()

    async def run(self) -> None:
        """Carry bytes until both sides are done, or nothing at all if there is no way."""
        try:
            far = await self._dialler.dial(
                self.tunnel.proxy, self.tunnel.target, seconds=self.tunnel.seconds
            )
            self._complaints.succeed()
            with far:
                await pump(self.near, far, self._note)
        except ProxyError as error:
            self._complaints.fail(error.message)
        except Exception:  # the other connections do not suffer from it
            logger.exception("%s: this is a bug", self.tunnel.name)

    def _note(self) -> None:
        self._moved_at = self._clock()


def _listen(path: str) -> socket.socket:
    """Return a socket that everybody may connect to, in place of what was at `path`."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    beside = str(Path(path).with_name(f".{Path(path).name.removeprefix('tunnel-')}"))
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(beside).unlink(missing_ok=True)
        listener.setblocking(False)  # noqa: FBT003 - its only argument
        listener.bind(beside)
        Path(beside).chmod(0o666)  # nginx's workers are another user
        listener.listen(_BACKLOG)
        os.replace(beside, path)  # noqa: PTH105 - Path.replace() says the same
    except BaseException:
        listener.close()
        Path(beside).unlink(missing_ok=True)
        raise
    return listener
