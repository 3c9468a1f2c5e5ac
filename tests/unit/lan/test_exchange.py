"""HTTP heads and bodies from a neighbour that may be anybody."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passthru.lan.exchange import (
    LONGEST_HEAD,
    ExchangeError,
    Response,
    read_request,
    read_response,
    read_whole,
)


async def _read(data: bytes, most: int) -> tuple[Response, bytes]:
    reader = asyncio.StreamReader(limit=1 << 19)
    reader.feed_data(data)
    reader.feed_eof()
    response = await read_response(reader)
    return response, await read_whole(reader, response.length, most=most)


def read(data: bytes, *, most: int = 100) -> tuple[Response, bytes]:
    """Return head and body of an answer that has come whole."""
    return asyncio.run(_read(data, most))


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.0 200 OK\r\ncontent-length:5\r\n\r\nhello",
        b"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n",
    ],
)
def test_a_body_is_read_by_its_length_or_its_chunks(data: bytes) -> None:
    """An nginx sends chunks where it rewrites a narinfo."""
    response, body = read(data)

    assert (response.status, body) == (200, b"hello")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 99 No\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nno length",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * LONGEST_HEAD + b"\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n" + b"x" * 101,
    ],
)
def test_anything_else_is_an_error(data: bytes) -> None:
    """Cut, contradictory, too long or not HTTP: nothing of it is passed on."""
    with pytest.raises(ExchangeError):
        read(data)


@given(st.binary(max_size=300))
def test_any_bytes_are_an_answer_or_an_error(data: bytes) -> None:
    """Nothing else is raised, and nothing hangs."""
    try:
        read(b"HTTP/1.1 200 OK\r\n" + data)
    except ExchangeError:
        return


def test_requests_are_those_of_nginx() -> None:
    """One after the other on a connection, until it ends."""

    async def two() -> list[str]:
        reader = asyncio.StreamReader()
        reader.feed_data(b"GET /a HTTP/1.1\r\nCDN-Loop: x\r\n\r\nGET /b HTTP/1.1\r\n\r\n")
        reader.feed_eof()
        found = []
        while request := await read_request(reader):
            found.append(request.target + request.headers.get("cdn-loop", ""))
        return found

    assert asyncio.run(two()) == ["/ax", "/b"]
