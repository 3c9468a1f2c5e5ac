"""Bytes from one connection to another and back, as fast as the slower of both."""

import asyncio
import select
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Final

_DOWN: Final = 256 * 1024
"""Bytes held on the way to nginx: NARs. The kernel's own buffers of a unix socket have as many."""

_UP: Final = 16 * 1024
"""Bytes held on the way to the upstream: requests."""


class _GoneError(OSError):
    """One side has hung up for good, so there is nobody to bring the rest to."""


async def pump(near: socket.socket, far: socket.socket, moved: Callable[[], None]) -> None:
    """Carry bytes both ways until both have ended, or one side is gone; `near` is nginx's.

    `moved` is called for each piece. Both must not block, and stay open; raises nothing of theirs.
    """
    with suppress(OSError):
        near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _DOWN)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_carry(near, far, _UP, moved))
            group.create_task(_carry(far, near, _DOWN, moved))
    except* OSError:
        pass


async def _carry(
    source: socket.socket, sink: socket.socket, size: int, moved: Callable[[], None]
) -> None:
    loop = asyncio.get_running_loop()
    room = memoryview(bytearray(size))
    while count := await loop.sock_recv_into(source, room):
        await loop.sock_sendall(sink, room[:count])
        moved()
    if _is_gone(source):
        raise _GoneError
    sink.shutdown(socket.SHUT_WR)


def _is_gone(connection: socket.socket) -> bool:
    """Say whether the other side takes nothing more either: at its end of file, at once.

    A unix socket says so (unix_poll() in Linux); over TCP a close looks like half of one until
    something is sent.
    """
    poll = select.poll()
    poll.register(connection, 0)
    return any(events & select.POLLHUP for _, events in poll.poll(0))
