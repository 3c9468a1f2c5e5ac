"""Being the one who leads for a path, so that everybody else asks us."""

import asyncio
import socket
from typing import Final

_TRIES: Final = 40
_EVERY: Final = 0.05
_TAKEN: Final = b"HTTP/1.1 463 "


async def lead(nginx: str, path: str, *, seconds: float) -> None:
    """Lead for `path` for so many seconds, or until nginx has had enough of it.

    nginx counts a request that leads for as long as it lasts: this is one whose body never comes.
    """
    loop = asyncio.get_running_loop()
    question = (
        "GET /-/lead HTTP/1.1\r\nHost: passthru\r\nContent-Length: 1\r\n"
        f"X-Passthru-Led: {path}\r\n\r\n"
    )
    for _ in range(_TRIES):
        with socket.socket(socket.AF_UNIX) as stream:
            stream.setblocking(False)  # noqa: FBT003 - its only argument
            try:
                async with asyncio.timeout(seconds):
                    await loop.sock_connect(stream, nginx)
                    await loop.sock_sendall(stream, question.encode(errors="surrogateescape"))
                    answer = await loop.sock_recv(stream, len(_TAKEN))
            except (OSError, TimeoutError):
                return
        if answer != _TAKEN:
            return
        await asyncio.sleep(_EVERY)
