"""One look at a cache: its nix-cache-info, within a time and a size."""

import asyncio
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from passthru.errors import FormatError
from passthru.lan.neighbour import Neighbour
from passthru.nix.cache_info import CacheInfo, parse_cache_info

MOST_BYTES: Final = 16 * 1024
SECONDS: Final = 1.5


@dataclass(frozen=True, slots=True)
class Look:
    """What came of it."""

    info: CacheInfo | None
    """None where it is ourselves, who refuse what has been here before."""

    seconds: float


async def probe(
    neighbour: Neighbour, *, loop_token: str = "", seconds: float = SECONDS
) -> Look | None:
    """Fetch and read the nix-cache-info of a cache; None if it gives none in time.

    By `loop_token` in CDN-Loop our own cache knows that it is asked by itself.
    """
    started = time.perf_counter()
    try:
        async with asyncio.timeout(seconds):
            answer = await _fetch(neighbour, loop_token)
    except (OSError, TimeoutError, ValueError):
        return None
    took = time.perf_counter() - started
    head, gap, body = answer.partition(b"\r\n\r\n")
    words = head.split(b" ", 2)
    if words[1:2] == [b"508"] and loop_token:
        return Look(None, took)
    if not gap or not head.startswith(b"HTTP/1.") or len(words) < 2 or words[1] != b"200":  # noqa: PLR2004 - version and code
        return None
    try:
        return Look(parse_cache_info(body), took)
    except FormatError:
        return None


async def _fetch(neighbour: Neighbour, loop_token: str) -> bytes:
    context, name = None, None
    if neighbour.tls:
        if neighbour.told.url is None:
            raise ValueError("no name that a certificate could be verified with")
        context = ssl.create_default_context()
        name = neighbour.told.url.removeprefix("https://").partition(":")[0]
    host = str(neighbour.address)
    if neighbour.is_link_local_6:
        host = f"{host}%{neighbour.interface}"
    reader, writer = await asyncio.open_connection(
        host, neighbour.port, ssl=context, server_hostname=name, limit=MOST_BYTES
    )
    try:
        # HTTP/1.0: the answer has no chunks, and ends with the connection.
        place = (neighbour.url.partition("://")[2]).replace("%", "%25")
        writer.write(
            f"GET /nix-cache-info HTTP/1.0\r\nHost: {place}\r\nUser-Agent: passthru\r\n"
            f"{f'CDN-Loop: {loop_token}' if loop_token else 'Accept: */*'}\r\n"
            "Connection: close\r\n\r\n".encode()
        )
        answer = b""
        while len(answer) < MOST_BYTES and (piece := await reader.read(4096)):
            answer += piece
        return answer
    finally:
        writer.close()
        with suppress(OSError, ssl.SSLError):
            await writer.wait_closed()
