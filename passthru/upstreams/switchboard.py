"""All tunnels of an instance: which there are to be, and which are on their way out."""

import asyncio
import logging
from collections.abc import Iterable
from typing import Final

from passthru.upstreams.dial import Dialler
from passthru.upstreams.entrance import Entrance
from passthru.upstreams.tunnel import Tunnel, parse_tunnels

_STAY_SECONDS: Final = 30.0
"""How long a tunnel that is wanted no more goes on: old workers of nginx, or a change taken back."""

logger: Final = logging.getLogger(__name__)


class Switchboard:
    """The open tunnels; for use inside one task group."""

    def __init__(self, group: asyncio.TaskGroup, dialler: Dialler | None = None) -> None:
        """Begin without any."""
        self._group = group
        self._dialler = dialler or Dialler()
        self._open: dict[str, Entrance] = {}
        self._leaving: dict[str, float] = {}
        self._closed: list[Entrance] = []

    @property
    def count(self) -> int:
        """How many connections there are through all tunnels."""
        return sum(entrance.count for entrance in (*self._open.values(), *self._closed))

    def follow(self, text: str | None) -> None:
        """Let the tunnels of a tunnels.json be open, none without one; raises PassthruError."""
        self.set(() if text is None else parse_tunnels(text))

    def set(self, tunnels: Iterable[Tunnel]) -> None:
        """Let exactly these be open; those that stay keep their sockets and their connections.

        One whose socket cannot be made is logged and left out.
        """
        wanted = {tunnel.socket: tunnel for tunnel in tunnels}
        ends = asyncio.get_running_loop().time() + _STAY_SECONDS
        self._leaving = {
            path: self._leaving.get(path, ends) for path in self._open if path not in wanted
        }
        for path, tunnel in wanted.items():
            entrance = self._open.get(path)
            if entrance is not None and entrance.tunnel == tunnel:
                continue
            if entrance is not None:
                entrance.tunnel = tunnel
            elif not self._add(tunnel):
                continue
            logger.info("%s: %s through %s", tunnel.name, tunnel.target, tunnel.proxy)

    def tidy(self) -> None:
        """Close what has outlived its use, and mend what is used; to be called now and then."""
        now = asyncio.get_running_loop().time()
        for path, entrance in list(self._open.items()):
            entrance.mend()
            entrance.drop_old(all_are=path in self._leaving)
            if self._leaving.get(path, now) < now:
                del self._open[path], self._leaving[path]
                entrance.close()
                self._closed.append(entrance)
        for entrance in self._closed:
            entrance.drop_old(all_are=True)
        self._closed = [entrance for entrance in self._closed if entrance.count]

    def close(self) -> None:
        """Stop listening everywhere, and end all connections."""
        for entrance in (*self._open.values(), *self._closed):
            entrance.close()
            entrance.abort()
        self._open.clear()

    def _add(self, tunnel: Tunnel) -> bool:
        try:
            self._open[tunnel.socket] = Entrance(tunnel, self._dialler, self._group)
        except OSError as fault:
            logger.error("%s: cannot listen on %s: %s", tunnel.name, tunnel.socket, fault.strerror)  # noqa: TRY400 - it is not a bug
            return False
        return True
