"""Asking, and waiting for the answer: as long as was allowed, whatever the other one does."""

import socket
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from passthru.errors import FormatError, NotRunningError
from passthru.inquiry.reply import Reply, ReplyReader, question

MOST: Final = 1 << 16
"""Bytes of a body that are kept, unless somebody wants more."""

NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})

PIECE: Final = 1 << 16


def ask(
    path: str,
    target: str,
    *,
    seconds: float,
    most: int = MOST,
    headers: Mapping[str, str] = NO_HEADERS,
) -> Reply:
    """GET `target` of whoever listens on the unix socket `path`.

    Raises NotRunningError without an answer in HTTP within `seconds`, its body included.
    """
    ends = time.monotonic() + seconds
    reader = ReplyReader(most)
    try:
        with socket.socket(socket.AF_UNIX) as stream:
            stream.settimeout(seconds)
            stream.connect(path)
            stream.sendall(question(target, headers))
            while not reader.feed(_receive(stream, ends)):
                pass
    except (OSError, ValueError, FormatError) as fault:
        raise silence(path, fault) from fault
    return reader.reply()


def silence(path: str, fault: Exception) -> NotRunningError:
    """Return the error that says why nobody answered."""
    why = (isinstance(fault, OSError) and fault.strerror) or str(fault) or type(fault).__name__
    if isinstance(fault, TimeoutError):
        why = "no answer in time"
    return NotRunningError(
        f"nobody answers on {path}: {why.lower()}",
        hint="run this as root, or as the user that runs passthru"
        if isinstance(fault, PermissionError)
        else None,
    )


def _receive(stream: socket.socket, ends: float) -> bytes:
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError
    stream.settimeout(left)
    return stream.recv(PIECE)
