"""Asking over a unix socket somebody who may be slow, endless, cut short or no server at all."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from passthru.errors import NotRunningError
from passthru.inquiry.ask import ask
from passthru.inquiry.ask_async import ask_async, ask_status
from passthru.inquiry.reply import Reply

OK = b"HTTP/1.1 200 OK\r\n"
Ask = Callable[[str, str], Reply]


def wait(path: str, target: str) -> Reply:
    """Ask, and block."""
    return ask(path, target, seconds=0.3, most=100, headers={"X-A": "b"})


def loop(path: str, target: str) -> Reply:
    """Ask in a loop of asyncio."""
    return asyncio.run(ask_async(path, target, seconds=0.3, most=100, headers={"X-A": "b"}))


@pytest.fixture(params=[wait, loop], ids=["blocking", "async"])
def asked(request: pytest.FixtureRequest) -> Ask:
    """One way to ask, and the other."""
    return request.param  # type: ignore[no-any-return]


@contextmanager
def server(
    path: Path, *pieces: bytes, pause: float = 0.0, hold: bool = False
) -> Iterator[bytearray]:
    """Answer one question with `pieces`, `pause` seconds apart, then close unless told to `hold`."""
    heard = bytearray()
    over = threading.Event()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def answer() -> None:
            stream, _ = listener.accept()
            with stream:
                while not heard.endswith(b"\r\n\r\n"):
                    heard.extend(stream.recv(4096))
                for piece in pieces:
                    try:
                        stream.sendall(piece)
                    except OSError:  # it has heard enough
                        return
                    over.wait(pause)
                if hold:
                    over.wait(10)

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield heard
        finally:
            over.set()
            thread.join()


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"Content-Length: 5\r\n\r\n", b"hello"),
        (b"Server: x\r\n\r\n", b"hello"),
        (b"Content-Length: 0\r\n\r\n", b""),
        (b"\r\n", b""),
    ],
)
def test_an_answer(asked: Ask, tmp_path: Path, head: bytes, body: bytes) -> None:
    """It has a status, headers and a body, which ends by its length or with the connection."""
    with server(tmp_path / "s", OK + b"X-Cache: HIT\r\nx-cache: 2\r\n" + head, body) as heard:
        reply = asked(str(tmp_path / "s"), "/nar/a?b=c")

    assert (reply.status, reply.headers["x-cache"], reply.body) == (200, "HIT", body)
    assert reply.is_whole
    assert heard == b"GET /nar/a?b=c HTTP/1.0\r\nHost: localhost\r\nX-A: b\r\n\r\n"


def test_the_end_is_not_waited_for(asked: Ask, tmp_path: Path) -> None:
    """A body of a known length is all, whether or not the other one then hangs up."""
    whole = OK + b"Content-Length: 2\r\n\r\nok and more"
    with server(tmp_path / "s", *(bytes([byte]) for byte in whole), hold=True):
        assert asked(str(tmp_path / "s"), "/").body == b"ok"


def test_no_body_is_waited_for(asked: Ask, tmp_path: Path) -> None:
    """A 204 has none, and need not say so."""
    with server(tmp_path / "s", b"HTTP/1.1 204 No Content\r\n\r\n", hold=True):
        reply = asked(str(tmp_path / "s"), "/")

    assert (reply.status, reply.body, reply.is_whole) == (204, b"", True)


@pytest.mark.parametrize(
    ("pieces", "kept"),
    [
        ([b"\r\n", *[b"x" * 30] * 9], 100),
        ([b"Content-Length: 101\r\n\r\n", *[b"x" * 30] * 9], 100),
        ([b"Content-Length: 60\r\n\r\n", b"x" * 59], 59),
    ],
)
def test_what_is_not_whole(asked: Ask, tmp_path: Path, pieces: list[bytes], kept: int) -> None:
    """A body past the bound, or short of its length, is given as far as it goes, and told apart."""
    with server(tmp_path / "s", OK, *pieces):
        reply = asked(str(tmp_path / "s"), "/")

    assert (reply.body, reply.is_whole) == (b"x" * kept, False)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX: y",
        b"SSH-2.0-x\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000,
        bytes(range(256)) * 100,
    ],
)
def test_what_is_no_answer(asked: Ask, tmp_path: Path, answer: bytes) -> None:
    """Who does not answer in HTTP/1, or in chunks that were not asked for, is nobody."""
    path = str(tmp_path / "s")
    with server(tmp_path / "s", answer), pytest.raises(NotRunningError, match="nobody answers"):
        asked(path, "/")


@pytest.mark.parametrize("pieces", [[], [OK], [OK, b"\r\n", *[b"x"] * 99]])
def test_all_of_it_has_one_time(asked: Ask, tmp_path: Path, pieces: list[bytes]) -> None:
    """Silence, and a byte now and then for ever, end when the time is over."""
    began = time.monotonic()
    with server(tmp_path / "s", *pieces, pause=0.05, hold=True):
        with pytest.raises(NotRunningError, match="no answer in time"):
            asked(str(tmp_path / "s"), "/")
        assert 0.25 < time.monotonic() - began < 3


def test_who_is_not_there(asked: Ask, tmp_path: Path) -> None:
    """Nobody, somebody of the past, and a place that no socket can have, each with its reason."""
    for name, why in {
        "none": "no such file or directory",
        "left": "connection refused",
        "l" * 200: "af_unix path too long",
    }.items():
        path = tmp_path / name
        if name == "left":
            with socket.socket(socket.AF_UNIX) as left:
                left.bind(str(path))
        with pytest.raises(NotRunningError, match=f": .*{why}"):
            asked(str(path), "/")


def test_the_status_alone(tmp_path: Path) -> None:
    """Who wants no more than that gets None for nobody."""
    with server(tmp_path / "s", b"HTTP/1.1 463 \r\n\r\n"):
        assert asyncio.run(ask_status(str(tmp_path / "s"), "/", seconds=1)) == 463
    assert asyncio.run(ask_status(str(tmp_path / "s"), "/", seconds=1)) is None
