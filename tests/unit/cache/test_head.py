"""The head of a file of nginx's cache, from nginx itself or from somebody hostile."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passthru.cache.head import CacheHead, check_key, is_foreign, read_head
from passthru.cache.place import file_path
from passthru.errors import FormatError

KEY = "a/00000000000000000000000000000000.narinfo"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nServer: x\r\n\r\n"


def make_file(
    *,
    version: int = 5,
    valid: int = 2_000_000_000,
    modified: int = -1,
    key: bytes = KEY.encode(),
    answer: bytes = ANSWER,
    start: int | None = None,
    body: int | None = None,
    content: bytes = b"body",
) -> bytes:
    """Write a file as nginx does, with whatever is to be wrong in it."""
    real = 336 + 6 + len(key) + 1
    fields = struct.pack(
        "=QqqqqqIHHH",
        version,
        valid,
        0,
        0,
        modified,
        1_900_000_000,
        0xC0FFEE,
        0,
        real if start is None else start,
        real + len(answer) if body is None else body,
    )
    return fields.ljust(336, b"\0") + b"\nKEY: " + key + b"\n" + answer + content


def test_head_is_read() -> None:
    """Every field is where nginx puts it."""
    assert read_head(make_file(modified=1_800_000_000)) == CacheHead(
        key=KEY,
        status=200,
        stored_at=1_900_000_000,
        valid_until=2_000_000_000,
        last_modified=1_800_000_000,
        body_start=336 + 6 + len(KEY) + 1 + len(ANSWER),
        content_length=4,
    )


def test_length_is_unknown_where_chunks_came() -> None:
    """A Content-Length beside chunks is not the length of what was stored."""
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n"

    assert read_head(make_file(answer=answer)).content_length is None


def test_last_modified_may_be_missing() -> None:
    """It is -1 where there is none."""
    assert read_head(make_file(modified=-1)).last_modified is None


@pytest.mark.parametrize(
    ("file", "fault"),
    [
        (b"", "too short"),
        (make_file()[:200], "too short"),
        (make_file(version=0), "version 0"),
        (make_file(version=3), "version 3"),
        (make_file().replace(b"\nKEY: ", b"\nYEK: "), "no key"),
        (make_file(start=2), "where it says"),
        (make_file(start=65535), "where it says"),
        (make_file(body=1), "before its body"),
        (make_file(content=b"")[:-1], "before its body"),
        (make_file(valid=-1), "times"),
        (make_file(valid=2**62), "times"),
    ],
)
def test_spoilt_head_is_refused(file: bytes, fault: str) -> None:
    """What nginx would not serve is one clear error."""
    with pytest.raises(FormatError, match=fault):
        read_head(file)


@given(st.binary(max_size=600), st.integers(0, 600), st.binary(max_size=80))
def test_nothing_but_a_format_error(noise: bytes, place: int, patch: bytes) -> None:
    """However a file is spoilt, it is read or it is refused."""
    good = make_file()
    for data in (noise, good[:place] + patch + good[place + len(patch) :], good[:place]):
        try:
            head = read_head(data)
        except FormatError:
            continue
        assert head.body_start <= len(data)


def test_another_version_is_noticed() -> None:
    """A file of another version is told from one that is cut in its head."""
    assert is_foreign(make_file(version=4))
    assert not is_foreign(make_file())
    assert not is_foreign(b"x" * 50)


def test_another_key_is_noticed() -> None:
    """A file that holds another answer than its name says is not taken for ours."""
    head = read_head(make_file())
    check_key(head, KEY)

    with pytest.raises(FormatError, match="another answer"):
        check_key(head, "b/x")


def test_place_of_a_key() -> None:
    """Folders are made of the last digits of the MD5, as nginx's documentation of levels shows."""
    assert file_path("/c", "1:2", "a") == "/c/1/66/0cc175b9c0f1b6a831c399e269772661"
    assert file_path("/c", "2", "a") == "/c/61/0cc175b9c0f1b6a831c399e269772661"
