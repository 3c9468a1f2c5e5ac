"""What a follower is told of the answer that nginx is storing; pure, and believes nothing."""

import re
from dataclasses import dataclass
from typing import Final

from passthru.cache.head import read_frame
from passthru.errors import FormatError

_LINE: Final = re.compile(rb"([A-Za-z0-9-]+):[ \t]*([\t\x20-\x7e]*?)[ \t]*")
_OK: Final = re.compile(rb"HTTP/1\.[01] 200(?: |$)")
_NUMBER: Final = re.compile(rb"[0-9]{1,18}")
_LONGEST_VALUE: Final = 1000
_PASSED: Final = ("ETag", "Last-Modified", "Content-Encoding")
"""What followers are told of an upstream's head; nothing in it may rule nginx."""


@dataclass(frozen=True, slots=True)
class Head:
    """The head of one 200 that is being stored."""

    start: int
    """How many bytes are before the body."""

    length: int | None
    """How many bytes the body will have; None where it came in chunks."""

    fields: tuple[tuple[str, str], ...]
    """What is passed on."""

    @property
    def etag(self) -> str | None:
        """The validator, if the upstream gave one."""
        return dict(self.fields).get("ETag")


def read_head(data: bytes, key: bytes) -> Head | None:
    """Read the beginning of a file; None unless it is a 200 for `key` whose end can be told."""
    try:
        frame = read_frame(data)
    except FormatError:
        return None
    if frame.key != key or frame.start == frame.body:
        return None
    return _read_answer(data[frame.start : frame.body], frame.body)


def _read_answer(answer: bytes, start: int) -> Head | None:
    status, *lines = answer.replace(b"\r\n", b"\n").split(b"\n")
    if not _OK.match(status):
        return None
    found: dict[bytes, list[bytes]] = {}
    for line in lines:
        if field := _LINE.fullmatch(line):
            found.setdefault(field[1].lower(), []).append(field[2])
    lengths = found.get(b"content-length", [])
    codings = found.get(b"transfer-encoding", [])
    length: int | None = None
    if codings:
        if [coding.lower() for coding in codings] != [b"chunked"]:
            return None
    elif len(lengths) == 1 and _NUMBER.fullmatch(lengths[0]):
        length = int(lengths[0])
    else:
        return None
    passed = ((name, found.get(name.lower().encode(), [])) for name in _PASSED)
    return Head(
        start,
        length,
        tuple(
            (name, values[0].decode())
            for name, values in passed
            if len(values) == 1 and 0 < len(values[0]) <= _LONGEST_VALUE
        ),
    )
