"""Getting a connection to an upstream through a proxy, within a time."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from passthru.errors import ProxyError
from passthru.upstreams.dialogue import Dialogue, Read, ReadUntil, Send, Target
from passthru.upstreams.http_connect import http_dialogue
from passthru.upstreams.lookup import Resolver
from passthru.upstreams.proxy import ProxyAddress, Scheme
from passthru.upstreams.socks import UnreachableError, socks_dialogue

_QUIET_SECONDS: Final = 60
_PIECE: Final = 4096


@dataclass(frozen=True, slots=True)
class Dialler:
    """Opens connections; raises ProxyError, which never tells a password."""

    resolver: Resolver = field(default_factory=Resolver)

    async def dial(self, proxy: ProxyAddress, target: Target, *, seconds: float) -> socket.socket:
        """Return a connection to `target` through `proxy`, made within `seconds` or not at all."""
        ends = asyncio.get_running_loop().time() + seconds
        try:
            async with asyncio.timeout_at(ends):
                if proxy.scheme is Scheme.SOCKS5:
                    return await self._through_addresses(proxy, target, ends)
                return await self._through(proxy, target, ends)
        except TimeoutError:
            raise ProxyError(f"{proxy}: no connection to {target} within {seconds:g} s") from None

    async def _through_addresses(
        self, proxy: ProxyAddress, target: Target, ends: float
    ) -> socket.socket:
        """Look the target's name up here, and let the proxy try one address after the other."""
        try:
            addresses = await self.resolver.addresses(target.host)
        except OSError as fault:
            raise ProxyError(f"cannot look up {target.host}: {_reason(fault)}") from None

        def attempt(address: str) -> Awaitable[socket.socket]:
            return self._through(proxy, Target(address, target.port), ends)

        return await _first(addresses, attempt, ends)

    async def _through(self, proxy: ProxyAddress, target: Target, ends: float) -> socket.socket:
        connection = await self._connect(proxy, ends)
        try:
            speak = http_dialogue if proxy.scheme is Scheme.HTTP else socks_dialogue
            await converse(connection, speak(proxy, target))
        except OSError as fault:
            connection.close()
            raise ProxyError(f"{proxy}: {_reason(fault)}") from None
        except ProxyError as error:
            connection.close()
            raise type(error)(f"{proxy}: {error.message}") from None
        except BaseException:
            connection.close()
            raise
        return connection

    async def _connect(self, proxy: ProxyAddress, ends: float) -> socket.socket:
        """Connect to the first address of the proxy that accepts."""

        def attempt(address: str) -> Awaitable[socket.socket]:
            return _connect(address, proxy.port)

        try:
            return await _first(await self.resolver.addresses(proxy.host), attempt, ends)
        except OSError as fault:
            raise ProxyError(f"{proxy}: cannot look it up: {_reason(fault)}") from None
        except UnreachableError as error:
            raise ProxyError(f"{proxy}: {error.message}") from None


async def _first(
    addresses: Sequence[str], attempt: Callable[[str], Awaitable[socket.socket]], ends: float
) -> socket.socket:
    """Try one address after the other, each for its share of the time; raises the last failure."""
    last = UnreachableError("there is no address")
    for index, address in enumerate(addresses):
        left = len(addresses) - index
        share = (ends - asyncio.get_running_loop().time()) / left
        try:
            # The last one's end is the caller's, who tells it better.
            async with asyncio.timeout(share if left > 1 else None):
                return await attempt(address)
        except UnreachableError as error:
            last = error
        except TimeoutError:
            last = UnreachableError(f"no answer from {address} within {share:.1f} s")
    raise last


async def _connect(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        connection = socket.socket(family, socket.SOCK_STREAM)
    except OSError as fault:
        raise UnreachableError(_reason(fault)) from None
    try:
        _prepare(connection)
        await asyncio.get_running_loop().sock_connect(connection, (address, port))
    except OSError as fault:
        connection.close()
        raise UnreachableError(_reason(fault)) from None
    except BaseException:
        connection.close()
        raise
    return connection


async def converse(connection: socket.socket, dialogue: Dialogue) -> None:
    """Let a dialogue take its course over a connection; raises ProxyError and OSError."""
    loop = asyncio.get_running_loop()
    step = next(dialogue)
    with suppress(StopIteration):
        while True:
            match step:
                case Send(data):
                    await loop.sock_sendall(connection, data)
                    step = next(dialogue)
                case Read(count):
                    step = dialogue.send(await _read(connection, count))
                case ReadUntil(mark, most):
                    step = dialogue.send(await _read_until(connection, mark, most))


async def _read(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        data += await _receive(connection, count - len(data))
    return data


async def _read_until(connection: socket.socket, mark: bytes, most: int) -> bytes:
    data = b""
    while mark not in data and len(data) < most:
        data += await _receive(connection, min(_PIECE, most - len(data)))
    return data


async def _receive(connection: socket.socket, most: int) -> bytes:
    data = await asyncio.get_running_loop().sock_recv(connection, most)
    if not data:
        raise ProxyError("it hung up before the connection was made")
    return data


def _prepare(connection: socket.socket) -> None:
    connection.setblocking(False)  # noqa: FBT003 - its only argument
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # What vanished without a word is noticed, also where nginx waits for nothing.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _QUIET_SECONDS)


def _reason(fault: OSError) -> str:
    """Say it in the system's words; asyncio puts its own into a refused connection."""
    if fault.errno is not None and fault.errno > 0:  # those of getaddrinfo() are below
        return os.strerror(fault.errno).lower()
    return (fault.strerror or str(fault)).lower()
