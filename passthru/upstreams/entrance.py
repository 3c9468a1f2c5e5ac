"""The socket of one tunnel, and the connections that came in through it."""

import asyncio
import logging
import socket
from typing import Final

from passthru.errors import ProxyError
from passthru.sidecar.door import Door
from passthru.upstreams.complaint import Complaints
from passthru.upstreams.dial import Dialler
from passthru.upstreams.pump import pump
from passthru.upstreams.tunnel import Tunnel

_IDLE_SECONDS: Final = 10.0
"""After this long without a byte, a connection made in a way that no longer holds is closed."""

logger: Final = logging.getLogger(__name__)


class Entrance:
    """A listening socket; it leads where `tunnel` says, and old connections where it said then."""

    def __init__(self, tunnel: Tunnel, dialler: Dialler, group: asyncio.TaskGroup) -> None:
        """Listen, over whatever a dead tunnel left there; raises OSError."""
        self.tunnel = tunnel
        self._dialler = dialler
        self._complaints = Complaints(tunnel.name)
        self._lines: set[_Line] = set()
        self._door = Door(tunnel.socket, self._lead, group, complain=self._complaints.fail)

    @property
    def count(self) -> int:
        """How many connections there are."""
        return self._door.count

    def drop_old(self, *, all_are: bool = False) -> None:
        """Close what is idle and was made for another tunnel than this one now is."""
        for line in self._lines:
            if all_are or line.tunnel != self.tunnel:
                line.end_if_idle()

    def mend(self) -> None:
        """Have the socket again where somebody removed it."""
        self._door.mend()

    def abort(self) -> None:
        """End all connections."""
        self._door.abort()

    def close(self) -> None:
        """Stop listening, and remove the socket unless it is another's by now."""
        self._door.close()

    async def _lead(self, near: socket.socket) -> None:
        line = _Line(near, self.tunnel, self._dialler, self._complaints)
        self._lines.add(line)
        try:
            await line.run()
        finally:
            self._lines.discard(line)


class _Line:
    """One connection of nginx's, and the one through the proxy that belongs to it."""

    def __init__(
        self, near: socket.socket, tunnel: Tunnel, dialler: Dialler, complaints: Complaints
    ) -> None:
        self.tunnel = tunnel
        self._task = asyncio.current_task()
        self._near = near
        self._dialler = dialler
        self._complaints = complaints
        self._clock = asyncio.get_running_loop().time
        self._moved_at = self._clock()

    def end_if_idle(self) -> None:
        if self._task is not None and self._clock() - self._moved_at > _IDLE_SECONDS:
            self._task.cancel()

    async def run(self) -> None:
        """Carry bytes until both sides are done, or nothing at all if there is no way."""
        try:
            far = await self._dialler.dial(
                self.tunnel.proxy, self.tunnel.target, seconds=self.tunnel.seconds
            )
            self._complaints.succeed()
            with far:
                await pump(self._near, far, self._note)
        except ProxyError as error:
            self._complaints.fail(error.message)
        except Exception:  # the other connections do not suffer from it
            logger.exception("%s: this is a bug", self.tunnel.name)

    def _note(self) -> None:
        self._moved_at = self._clock()
