"""Asking one neighbour for one file: a connection that is made at once, or not at all."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

from passthru.lan.exchange import PIECE, Response, read_response
from passthru.lan.neighbour import Neighbour

CONNECT_SECONDS: Final = 0.4
"""A neighbour is a switch or two away; one that takes longer is gone."""

ACKNOWLEDGE_SECONDS: Final = 0.6
"""How long its kernel may take to say that it has the question: a slow cache does, a dead one not."""

SILENT_SECONDS: Final = 10.0
"""How long a body may stop before the other end is given up."""


@dataclass(frozen=True, slots=True)
class Call:
    """A neighbour's answer whose head was read."""

    response: Response
    reader: asyncio.StreamReader


@asynccontextmanager
async def calling(
    neighbour: Neighbour, target: str, *, loop_header: str, seconds: float
) -> AsyncIterator[Call]:
    """Give the answer to `GET target`, its head read within `seconds`.

    Raises OSError, TimeoutError and ExchangeError.
    """
    host = str(neighbour.address)
    if neighbour.is_link_local_6:
        host = f"{host}%{neighbour.interface}"
    async with asyncio.timeout(CONNECT_SECONDS):
        reader, writer = await asyncio.open_connection(host, neighbour.port, limit=2 * PIECE)
    try:
        connection = writer.get_extra_info("socket")
        _prepare(connection)
        authority = neighbour.url.removeprefix("http://").replace(f"%{neighbour.interface}", "")
        writer.write(
            f"GET {target} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: passthru\r\n"
            f"Accept: */*\r\nCDN-Loop: {loop_header}\r\nConnection: close\r\n\r\n".encode()
        )
        async with asyncio.timeout(seconds):
            response = await read_response(reader)
        _wait_longer(connection)
        yield Call(response, reader)
    finally:
        writer.transport.abort()  # nothing that is still on its way is of use
        with suppress(OSError):
            await writer.wait_closed()


def _prepare(connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(
        socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(ACKNOWLEDGE_SECONDS * 1000)
    )
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1)):
        connection.setsockopt(socket.IPPROTO_TCP, option, value)


def _wait_longer(connection: socket.socket) -> None:
    """Bear a pause of the radio in the middle of a file, which is not to be fetched again for it."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(SILENT_SECONDS * 1000))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, int(SILENT_SECONDS))
