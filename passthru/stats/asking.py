"""Asking nginx on its unix socket: one short request, one bounded answer."""

import asyncio
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

_LONGEST: Final = 1 << 16
_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([1-5]\d\d)\b")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: bytes
    """Its first 64 KiB."""

    seconds: float


async def ask(socket: str, path: str, *, timeout: float) -> Answer | None:  # noqa: ASYNC109 - of the whole exchange
    """GET `path` of whoever listens on `socket`; None without an answer within `timeout` seconds."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(timeout):
            data = await _exchange(socket, path)
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return None
    found = _STATUS.match(data)
    if found is None:
        return None
    body = data.partition(b"\r\n\r\n")[2]
    return Answer(int(found[1]), body, time.monotonic() - began)


async def _exchange(socket: str, path: str) -> bytes:
    reader, writer = await asyncio.open_unix_connection(socket)
    try:
        # With HTTP/1.0 the end of the connection is the end of the body, which is not chunked.
        writer.write(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        await writer.drain()
        data = bytearray()
        while len(data) < _LONGEST and (piece := await reader.read(_LONGEST)):
            data += piece
        return bytes(data[:_LONGEST])
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
