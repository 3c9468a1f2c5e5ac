"""HTTP/1.1 as the hop speaks it: heads read within bounds, bodies whose end can be told."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Final

LONGEST_HEAD: Final = 16 * 1024
PIECE: Final = 256 * 1024
_REQUEST: Final = re.compile(r"([A-Z]+) (/[!-~]*) HTTP/1\.[01]")
_STATUS: Final = re.compile(r"HTTP/1\.[01] ([1-5][0-9]{2})(?: .*)?")
_SILENT_SECONDS: Final = 60.0
_CHUNK: Final = re.compile(rb"[0-9A-Fa-f]{1,15}")
_LENGTH: Final = re.compile(r"[0-9]{1,18}", re.ASCII)

REASONS: Final = {200: "OK", 404: "Not Found", 503: "Service Unavailable"}


class ExchangeError(Exception):
    """What came is not what HTTP says, or too much of it."""


@dataclass(frozen=True, slots=True)
class Request:
    """What nginx asks for; header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Response:
    """The head of what a neighbour answers."""

    status: int
    headers: Mapping[str, str]

    @property
    def length(self) -> int | None:
        """How long its body is, None if it comes in chunks; raises ExchangeError if that is not said."""
        if self.headers.get("content-encoding", "identity") != "identity":
            raise ExchangeError("a body that was encoded, unasked")
        text = self.headers.get("content-length", "")
        match self.headers.get("transfer-encoding"):
            case None if _LENGTH.fullmatch(text):
                return int(text)
            case "chunked" if not text:
                return None
        raise ExchangeError("a body without a length")


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """Read the head of a request; None at the end of the connection. Raises ExchangeError."""
    lines = await _read_head(reader)
    if lines is None:
        return None
    found = _REQUEST.fullmatch(lines[0])
    if found is None:
        raise ExchangeError("not a request")
    return Request(found[1], found[2], _headers(lines[1:]))


async def read_response(reader: asyncio.StreamReader) -> Response:
    """Read the head of a response; raises ExchangeError, also when there is none."""
    lines = await _read_head(reader)
    found = _STATUS.fullmatch(lines[0]) if lines else None
    if lines is None or found is None:
        raise ExchangeError("not a response")
    return Response(int(found[1]), _headers(lines[1:]))


async def read_body(reader: asyncio.StreamReader, length: int | None) -> AsyncIterator[bytes]:
    """Yield a body piece by piece; raises ExchangeError if it is cut. `length` as in Response."""
    if length is not None:
        async for piece in _read_exactly(reader, length):
            yield piece
        return
    while size := await _read_chunk_size(reader):
        async for piece in _read_exactly(reader, size):
            yield piece
        if await _read_line(reader) != b"":
            raise ExchangeError("chunks that do not fit")


async def read_whole(reader: asyncio.StreamReader, length: int | None, *, most: int) -> bytes:
    """Return a body of `most` bytes at most; raises ExchangeError."""
    body = b""
    async for piece in read_body(reader, length):
        body += piece
        if len(body) > most:
            raise ExchangeError("a body that is too long")
    return body


def write_head(status: int, length: int | None) -> bytes:
    """Return the head of a response of ours; without a length, its body comes in chunks."""
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return f"HTTP/1.1 {status} {REASONS[status]}\r\n{framing}\r\n\r\n".encode()


async def _read_exactly(reader: asyncio.StreamReader, length: int) -> AsyncIterator[bytes]:
    left = length
    while left:
        async with asyncio.timeout(_SILENT_SECONDS):
            piece = await reader.read(min(left, PIECE))
        if not piece:
            raise ExchangeError("a body that was cut")
        left -= len(piece)
        yield piece


async def _read_chunk_size(reader: asyncio.StreamReader) -> int:
    line = (await _read_line(reader)).partition(b";")[0].strip()
    if not _CHUNK.fullmatch(line):
        raise ExchangeError("chunks that do not fit")
    return int(line, 16)


async def _read_line(reader: asyncio.StreamReader) -> bytes:
    try:
        line = await reader.readuntil(b"\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        raise ExchangeError("a body that was cut") from None
    return line[:-2]


async def _read_head(reader: asyncio.StreamReader) -> list[str] | None:
    try:
        data = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as fault:
        if fault.partial:
            raise ExchangeError("cut in its head") from None
        return None
    except asyncio.LimitOverrunError:
        raise ExchangeError("a head that is too long") from None
    if len(data) > LONGEST_HEAD:
        raise ExchangeError("a head that is too long")
    return data[:-4].decode("latin-1").split("\r\n")


def _headers(lines: list[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise ExchangeError("not a header")
        name = name.lower()
        if name == "content-length" and name in headers:
            raise ExchangeError("two lengths")
        headers[name] = value.strip()
    return headers
