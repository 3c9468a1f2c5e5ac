"""A client for tests that sends exactly the bytes it is told to, and reads what comes back."""

import contextlib
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse, IncompleteRead
from typing import TypeVar

Address = tuple[str, int] | str
"""A host and a port, or the path of a unix socket."""

Headers = Iterable[tuple[str, str]]

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer, read to its end."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    whole: bool
    """Whether the body came to the end that its framing promised."""
    first_byte: float
    """Seconds until the headers were there."""
    seconds: float
    """Seconds until all was read."""

    def all(self, name: str) -> list[str]:
        """Return every value of a header."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name: str) -> str | None:
        """Return the value of a header that stands there once, or None; AssertionError if twice."""
        values = self.all(name)
        assert len(values) < 2, f"{name} stands there {len(values)} times: {values}"
        return values[0] if values else None

    @property
    def cache_status(self) -> str | None:
        """What the cache says it did."""
        return self.get("X-Cache-Status")

    @property
    def upstream(self) -> str | None:
        """The name of the upstream whose answer this is."""
        return self.get("X-Cache-Upstream")

    @property
    def line(self) -> str:
        """The body of a refusal; AssertionError unless it is one line of plain text."""
        text = self.body.decode()
        kind = self.get("Content-Type") or ""
        assert kind.startswith("text/plain"), kind
        assert text.endswith("\n"), text
        assert text.count("\n") == 1, text
        assert 10 < len(text) < 200, text
        return text.strip()


def connect(
    address: Address, *, timeout: float = 10, tls: ssl.SSLContext | None = None
) -> socket.socket:
    """Open a connection, with TLS to the name `cache.test` if `tls` is given."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    if family == socket.AF_INET and ":" in address[0]:
        family = socket.AF_INET6
    stream = socket.socket(family)
    try:
        stream.settimeout(timeout)
        stream.connect(address)
        if family != socket.AF_UNIX:
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return tls.wrap_socket(stream, server_hostname="cache.test") if tls else stream
    except BaseException:
        stream.close()
        raise


def read_reply(stream: socket.socket, method: str = "GET") -> Reply:
    """Read one answer to a request made with `method`."""
    start = time.monotonic()
    whole = True
    with contextlib.closing(HTTPResponse(stream, method=method)) as response:
        response.begin()
        first = time.monotonic() - start
        try:
            body = response.read()
        except IncompleteRead as error:
            body, whole = error.partial, False
        except (HTTPException, OSError):
            body, whole = b"", False
    headers = tuple(response.headers.items())
    return Reply(response.status, headers, body, whole, first, time.monotonic() - start)


def request_bytes(
    target: str | bytes,
    *,
    method: str = "GET",
    headers: Headers = (),
    version: str = "HTTP/1.1",
    host: str | None = "cache.test",
    close: bool = True,
) -> bytes:
    """Write the head of a request; nothing in it is checked or escaped."""
    raw = target if isinstance(target, bytes) else target.encode()
    pairs = [("Host", host)] if host is not None else []
    pairs += [*headers, *([("Connection", "close")] if close else [])]
    lines = "".join(f"{name}: {value}\r\n" for name, value in pairs).encode("latin-1")
    return b"%s %s %s\r\n%s\r\n" % (method.encode(), raw, version.encode(), lines)


def fetch(
    address: Address,
    target: str | bytes,
    *,
    method: str = "GET",
    headers: Headers = (),
    body: bytes = b"",
    version: str = "HTTP/1.1",
    timeout: float = 10,
    tls: ssl.SSLContext | None = None,
) -> Reply:
    """Make one request on a connection of its own."""
    head = request_bytes(target, method=method, headers=headers, version=version)
    with connect(address, timeout=timeout, tls=tls) as stream:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            stream.sendall(head + body)
        return read_reply(stream, method)


def exchange(address: Address, data: bytes, *, silence: float = 1) -> bytes:
    """Send `data` and return all that comes back, until the end or until `silence` seconds of it."""
    with connect(address, timeout=silence) as stream:
        answer = b""
        with contextlib.suppress(ConnectionError, TimeoutError):
            stream.sendall(data)
            while piece := stream.recv(65536):
                answer += piece
        return answer


def at_once(count: int, call: Callable[[], _Result]) -> list[_Result]:
    """Run `call` in `count` threads at the same time and return what they return."""
    with ThreadPoolExecutor(count) as pool:
        return [future.result() for future in [pool.submit(call) for _ in range(count)]]
