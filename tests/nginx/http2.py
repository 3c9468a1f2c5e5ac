"""Just enough of HTTP/2 (RFC 9113, RFC 7541) to ask for targets that no client would write."""

import socket
import ssl
from typing import Final

from tests.nginx.client import Address, connect

_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_SETTINGS, _HEADERS, _GOAWAY, _RST = 4, 1, 7, 3
_END: Final = 0x5  # END_STREAM | END_HEADERS


def ask(address: Address, pairs: list[tuple[bytes, bytes]], tls: ssl.SSLContext) -> None:
    """Send the headers of one request as they are, and wait until that is answered somehow."""
    tls.set_alpn_protocols(["h2"])
    block = b"".join(b"\0" + _text(name) + _text(value) for name, value in pairs)
    with connect(address, tls=tls) as stream:
        stream.sendall(_PREFACE + _frame(_SETTINGS, 0, 0, b"") + _frame(_HEADERS, _END, 1, block))
        while _next(stream) not in {_HEADERS, _GOAWAY, _RST, None}:
            pass


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return (
        len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload
    )


def _text(text: bytes) -> bytes:
    assert len(text) < 127
    return bytes((len(text),)) + text


def _next(stream: socket.socket) -> int | None:
    """Return the kind of the next frame; None at the end."""
    head = _read(stream, 9)
    if len(head) < 9:
        return None
    _read(stream, int.from_bytes(head[:3], "big"))
    return head[3]


def _read(stream: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count and (more := stream.recv(count - len(data))):
        data += more
    return data
