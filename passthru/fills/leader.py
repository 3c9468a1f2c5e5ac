"""Asking nginx whether a request still leads for a path."""

import asyncio
import re
import socket
from typing import Final

_SECONDS: Final = 1.0
_STATUS: Final = re.compile(rb"HTTP/1\.1 ([0-9]{3}) ")
_NOBODY: Final = b"204"
_SOMEBODY: Final = b"463"


async def is_led(nginx: str, path: str) -> bool | None:
    """Say whether somebody leads for `path`; None if nginx does not answer on its socket."""
    loop = asyncio.get_running_loop()
    question = (
        "GET /-/led HTTP/1.1\r\nHost: passthru\r\nConnection: close\r\n"
        f"X-Passthru-Led: {path}\r\n\r\n"
    )
    with socket.socket(socket.AF_UNIX) as stream:
        stream.setblocking(False)  # noqa: FBT003 - the name of the method says it
        try:
            async with asyncio.timeout(_SECONDS):
                await loop.sock_connect(stream, nginx)
                await loop.sock_sendall(stream, question.encode(errors="surrogateescape"))
                answer = await loop.sock_recv(stream, 4096)
        except (OSError, TimeoutError):
            return None
    found = _STATUS.match(answer)
    return {_NOBODY: False, _SOMEBODY: True}.get(found[1]) if found else None
