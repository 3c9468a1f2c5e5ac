"""One answer in HTTP/1, read as its bytes come and never past a bound; pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from passthru.errors import FormatError

_LONGEST_HEAD: Final = 1 << 14
_STATUS: Final = re.compile(r"HTTP/1\.[01] ([2-5][0-9]{2})(?: .*)?")
_LENGTH: Final = re.compile(r"[0-9]{1,18}")
_BODILESS: Final = (204, 304)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    """By their names in lower case; of two of a name the first."""

    body: bytes
    """All of it if `is_whole`, else its beginning."""

    is_whole: bool
    """Whether the body ended where it should, and within the bound."""


class ReplyReader:
    """Reads the answer to a question in HTTP/1.0, whose body is as it is, without chunks."""

    def __init__(self, most: int) -> None:
        """Keep `most` bytes of the body, and look at no more."""
        self._most = most
        self._data = bytearray()
        self._status: int | None = None
        self._headers: dict[str, str] = {}
        self._length: int | None = None
        self._is_whole = False

    def feed(self, data: bytes) -> bool:
        """Take what came, nothing for the end of it, and say whether no more is to be read.

        Raises FormatError if it is no answer to such a question.
        """
        self._data += data
        if self._status is None:
            end = self._data.find(b"\r\n\r\n", 0, _LONGEST_HEAD)
            if end < 0:
                if not data or len(self._data) >= _LONGEST_HEAD:
                    raise FormatError("no head of an answer")
                return False
            self._read_head(self._data[:end].decode("latin-1"))
            del self._data[: end + 4]
        come = len(self._data)
        if self._length is None:
            self._is_whole = not data and come <= self._most
        else:
            self._is_whole = self._length <= min(come, self._most)
        return self._is_whole or come > self._most or not data

    def reply(self) -> Reply:
        """Return what was read; only after `feed` said that it is all."""
        assert self._status is not None  # noqa: S101 - see above
        longest = self._most if self._length is None else min(self._length, self._most)
        return Reply(self._status, self._headers, bytes(self._data[:longest]), self._is_whole)

    def _read_head(self, text: str) -> None:
        first, *lines = text.split("\r\n")
        found = _STATUS.fullmatch(first)
        if found is None:
            raise FormatError("not an answer in HTTP")
        for line in lines:
            name, _, value = line.partition(":")
            self._headers.setdefault(name.strip().lower(), value.strip())
        length = self._headers.get("content-length")
        if "transfer-encoding" in self._headers or (length and not _LENGTH.fullmatch(length)):
            raise FormatError("a body without a length")
        self._status = int(found[1])
        if self._status in _BODILESS:
            self._length = 0
        elif length:
            self._length = int(length)


def question(target: str, headers: Mapping[str, str]) -> bytes:
    """Write a GET in HTTP/1.0: its answer comes without chunks, and ends with the connection."""
    lines = (f"{name}: {value}\r\n" for name, value in headers.items())
    text = f"GET {target} HTTP/1.0\r\nHost: localhost\r\n{''.join(lines)}\r\n"
    return text.encode(errors="surrogateescape")
