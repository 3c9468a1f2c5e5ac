"""Sending the bytes of a download as they come, straight from its file."""

import asyncio
import os
import socket
from typing import Final

from passthru.fills.fill import Phase
from passthru.fills.reply import Extent
from passthru.fills.watch import Watch

_PIECE: Final = 1 << 18
"""Bytes sent in one go, so that all streams have their turn."""


class CutError(Exception):
    """The download ended before its end; so must the answer."""


async def send_stream(stream: socket.socket, watch: Watch, extent: Extent) -> None:
    """Send a head and then the body; raises CutError, and OSError when nginx has hung up."""
    await asyncio.get_running_loop().sock_sendall(stream, extent.head)
    at = extent.first
    while extent.end is None or at < extent.end:
        end = watch.have if extent.end is None else min(watch.have, extent.end)
        if at < end:
            size = min(end - at, _PIECE)
            await (_send_chunk if extent.end is None else _send)(stream, watch, at, size)
            at += size
            await asyncio.sleep(0)
        elif watch.phase is Phase.GROWING:
            await watch.change()
        elif watch.phase is Phase.STORED and extent.end is None:
            await asyncio.get_running_loop().sock_sendall(stream, b"0\r\n\r\n")
            return
        else:
            raise CutError


async def _send_chunk(stream: socket.socket, watch: Watch, at: int, size: int) -> None:
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(stream, f"{size:x}\r\n".encode())
    await _send(stream, watch, at, size)
    await loop.sock_sendall(stream, b"\r\n")


async def _send(stream: socket.socket, watch: Watch, at: int, size: int) -> None:
    """Send `size` bytes of the body from `at` on."""
    offset = watch.fill.head.start + at
    end = offset + size
    while offset < end:
        try:
            sent = os.sendfile(stream.fileno(), watch.fill.descriptor, offset, end - offset)
        except BlockingIOError:
            await _writable(stream)
            continue
        if sent == 0:
            raise CutError
        offset += sent


async def _writable(stream: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready = loop.create_future()

    def set_ready() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_writer(stream, set_ready)
    try:
        await ready
    finally:
        loop.remove_writer(stream)
