"""Asking from within a loop of asyncio, which a command that asks once need not import."""

import asyncio
import socket
from collections.abc import Mapping

from passthru.errors import FormatError, NotRunningError
from passthru.inquiry.ask import MOST, NO_HEADERS, PIECE, silence
from passthru.inquiry.reply import Reply, ReplyReader, question


async def ask_async(
    path: str,
    target: str,
    *,
    seconds: float,
    most: int = MOST,
    headers: Mapping[str, str] = NO_HEADERS,
) -> Reply:
    """GET `target` as `ask` does, while others go on; raises NotRunningError like it."""
    loop = asyncio.get_running_loop()
    reader = ReplyReader(most)
    try:
        with socket.socket(socket.AF_UNIX) as stream:
            stream.setblocking(False)  # noqa: FBT003 - the name of the method says it
            async with asyncio.timeout(seconds):
                await loop.sock_connect(stream, path)
                await loop.sock_sendall(stream, question(target, headers))
                while not reader.feed(await loop.sock_recv(stream, PIECE)):
                    pass
    except (OSError, ValueError, FormatError) as fault:
        raise silence(path, fault) from fault
    return reader.reply()


async def ask_status(
    path: str, target: str, *, seconds: float, headers: Mapping[str, str] = NO_HEADERS
) -> int | None:
    """Return the status of the answer alone; None without one."""
    try:
        return (await ask_async(path, target, seconds=seconds, headers=headers)).status
    except NotRunningError:
        return None
