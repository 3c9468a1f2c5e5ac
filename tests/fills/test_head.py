"""What is believed of the beginning of a file, which an upstream has written most of."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from passthru.cache.head import LONGEST_HEAD
from passthru.fills.head import Head, read_head
from tests.fills.stored_file import ANSWER, cache_file

KEY = b"a/nar/x.nar"


def test_the_head_of_a_200() -> None:
    """Where the body begins, how long it will be, and the validators: nothing else."""
    data = cache_file(KEY, body=b"12345")

    assert read_head(data, KEY) == Head(len(data) - 5, 1000, (("ETag", '"e"'),))


@pytest.mark.parametrize(
    ("answer", "length"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding:Chunked\r\nContent-Length: 7\r\n\r\n", None),
        (b"HTTP/1.0 200\nContent-Length: 7\n\n", 7),
        (b"HTTP/1.1 200 OK\r\nCONTENT-LENGTH:\t0\r\n\r\n", 0),
    ],
)
def test_lengths(answer: bytes, length: int | None) -> None:
    """A body has a length, or comes in chunks, as nginx sees it."""
    head = read_head(cache_file(KEY, answer), KEY)

    assert head is not None
    assert head.length == length


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(cache_file(KEY)[:300], id="cut in the structure"),
        pytest.param(cache_file(KEY)[:360], id="cut in the answer"),
        pytest.param(cache_file(KEY, version=4), id="another version"),
        pytest.param(cache_file(KEY, body_start=0), id="a body in the structure"),
        pytest.param(cache_file(KEY, body_start=65535), id="a body after the end"),
        pytest.param(cache_file(KEY, start=100), id="a key in the structure"),
        pytest.param(cache_file(KEY, start=65535), id="a key after the end"),
        pytest.param(cache_file(b"b/nar/x.nar"), id="another key"),
        pytest.param(cache_file(KEY + b"y"), id="a longer key"),
        pytest.param(cache_file(KEY, b"HTTP/1.1 404 No\r\nContent-Length: 7\r\n\r\n"), id="404"),
        pytest.param(cache_file(KEY, b"HTTP/1.1 2000 K\r\nContent-Length: 7\r\n\r\n"), id="2000"),
        pytest.param(cache_file(KEY, b"HTTP/1.1 200 OK\r\n\r\n"), id="no length"),
        pytest.param(
            cache_file(KEY, b"HTTP/1.1 200 OK\r\nContent-Length: -7\r\n\r\n"), id="negative"
        ),
        pytest.param(
            cache_file(KEY, b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nContent-Length: 8\r\n\r\n"),
            id="two lengths",
        ),
        pytest.param(
            cache_file(KEY, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
            id="another coding",
        ),
    ],
)
def test_what_is_odd_is_none(data: bytes) -> None:
    """A file that is not plainly the download of that key is no download."""
    assert read_head(data, KEY) is None


@pytest.mark.parametrize("value", [b"a\x00b", b"\xff", b"x" * 2000, b""])
def test_what_cannot_be_passed_on_is_left_out(value: bytes) -> None:
    """A validator that is no text, or too long, is not told."""
    head = read_head(cache_file(KEY, ANSWER.replace(b'"e"', value)), KEY)

    assert head is not None
    assert head.fields == ()


def test_no_control_header_is_passed_on() -> None:
    """Where followers are served, nginx obeys X-Accel-Redirect, so no upstream's gets there."""
    answer = ANSWER.replace(b"X-Other", b"X-Accel-Redirect: @nobody_has_it\r\nX-Other")
    head = read_head(cache_file(KEY, answer), KEY)

    assert head is not None
    assert [name for name, _ in head.fields] == ["ETag"]


@given(st.binary(max_size=600), st.integers(0, 400))
@example(b"", 0)
def test_anything_may_be_there(noise: bytes, at: int) -> None:
    """Whatever stands in a file, reading it raises nothing, and stays inside of it."""
    whole = cache_file(KEY)
    for data in (noise, whole[:at] + noise, whole[:at] + noise + whole[at + len(noise) :]):
        head = read_head(data[:LONGEST_HEAD], KEY)
        assert head is None or 0 < head.start <= len(data)
