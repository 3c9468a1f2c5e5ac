"""Where nginx tells that an upstream hung: a socket of datagrams, to which it logs such requests."""

import asyncio
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

from passthru.sidecar.own_socket import OwnSocket

_LONGEST: Final = 16384
_LINE: Final = re.compile(rb"<[0-9]+>[A-Za-z0-9: ]+ passthru: ([A-Za-z0-9-]+)(/nar/[^\x00-\x20]+)")
"""As nginx writes it: priority, time and tag (ngx_syslog_add_header), and the two parts of a key."""


class Ear:
    """An open socket; for use inside one running event loop."""

    def __init__(self, path: str, hear: Callable[[str, str], None]) -> None:
        """Listen; `hear` is told the name of the upstream and the path. Raises OSError."""
        self._hear = hear
        self._own = self._open(Path(path))

    def mend(self) -> None:
        """Have the name again where somebody removed it and left its directory."""
        path = self._own.path
        if not path.exists() and path.parent.is_dir():
            self.close()
            self._own = self._open(path)

    def close(self) -> None:
        """Listen no more, and remove the socket unless it is another's by now."""
        asyncio.get_running_loop().remove_reader(self._own.listener)
        self._own.close()

    def _open(self, path: Path) -> OwnSocket:
        own = OwnSocket.at(path, kind=socket.SOCK_DGRAM)
        asyncio.get_running_loop().add_reader(own.listener, self._read, own.listener)
        return own

    def _read(self, listener: socket.socket) -> None:
        try:
            line = listener.recv(_LONGEST)
        except OSError:
            return
        if found := _LINE.fullmatch(line):
            name, path = (part.decode("utf-8", "surrogateescape") for part in found.groups())
            self._hear(name, path)
