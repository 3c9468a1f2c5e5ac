"""What stands at the head of a file of nginx's cache; pure, and believes nothing.

A stored answer is an ngx_http_file_cache_header_t (src/http/ngx_http_cache.h), the line of its key,
the upstream's head and then the body. Version 5 of that structure is the one of nginx 1.11.10 and all
later ones; it has this layout on 64-bit machines. An answer that `error_page` takes over, as ours do
with 404, is never in a file: nginx remembers it in memory alone (ngx_http_upstream_intercept_errors).
"""

import re
import struct
from dataclasses import dataclass
from typing import Final

from passthru.errors import FormatError
from passthru.nix.excerpt import excerpt

VERSION: Final = 5
"""NGX_HTTP_CACHE_VERSION. nginx takes a file with another one for a miss."""

LONGEST_HEAD: Final = 65536
"""No more bytes than these are before a body: its place is kept in 16 bits."""

VERSION_BYTES: Final = struct.Struct("=Q")
"""How the version is written, at the very beginning."""

_FIELDS: Final = struct.Struct("=QqqqqqIHHH")
_STRUCTURE: Final = 336  # with ETag, Vary, variant and padding
_KEY: Final = b"\nKEY: "
_STATUS: Final = re.compile(rb"HTTP/1\.[01] (\d{3})\b")
_LENGTH: Final = re.compile(rb"^Content-Length: *(\d{1,18}) *\r$", re.MULTILINE | re.IGNORECASE)
_CHUNKED: Final = re.compile(rb"^Transfer-Encoding:", re.MULTILINE | re.IGNORECASE)
_MOMENTS: Final = range(253402300800)  # up to the year 10000, where calendars end


@dataclass(frozen=True, slots=True)
class CacheHead:
    """The head of one stored answer. Moments are seconds since 1970."""

    key: str
    status: int | None
    """The upstream's; None where its answer has no status line that we know."""

    stored_at: int
    """When it was stored, or last confirmed by its upstream."""

    valid_until: int
    last_modified: int | None
    body_start: int
    """How many bytes of the file are before the body."""

    content_length: int | None
    """The length of the body that the upstream announced; None where it sent chunks."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What nginx itself put down, and where the upstream's head is: `data[start:body]`."""

    key: bytes
    start: int
    body: int
    valid: int
    modified: int
    date: int


def read_frame(data: bytes) -> Frame:
    """Read what is before the upstream's head; raises FormatError as `read_head` does."""
    if len(data) < _STRUCTURE + len(_KEY):
        raise FormatError("the file is too short for a head")
    fields: tuple[int, ...] = _FIELDS.unpack_from(data)
    version, valid, _updating, _error, modified, date, _crc, _msec, start, body = fields
    if version != VERSION:
        raise FormatError(f"its head is of version {version}, not {VERSION}")
    if data[_STRUCTURE : _STRUCTURE + len(_KEY)] != _KEY:
        raise FormatError("its head has no key where nginx writes it")
    key = data[_STRUCTURE + len(_KEY) : max(0, start - 1)]
    if start != _STRUCTURE + len(_KEY) + len(key) + 1 or data[start - 1 : start] != b"\n":
        raise FormatError("its head does not end where it says")
    if not start <= body <= len(data):
        raise FormatError("the file ends before its body begins")
    return Frame(key, start, body, valid, modified, date)


def read_head(data: bytes) -> CacheHead:
    """Read the beginning of a cache file, of which LONGEST_HEAD bytes are enough.

    Raises FormatError for anything that nginx would not serve, and for a layout that is not known.
    """
    frame = read_frame(data)
    if frame.valid not in _MOMENTS or frame.date not in _MOMENTS:
        raise FormatError("its times are not of this age")
    answer = data[frame.start : frame.body]
    status, length = _STATUS.match(answer), _LENGTH.search(answer)
    return CacheHead(
        key=frame.key.decode("utf-8", "replace"),
        status=int(status[1]) if status else None,
        stored_at=frame.date,
        valid_until=frame.valid,
        last_modified=frame.modified if frame.modified in _MOMENTS else None,
        body_start=frame.body,
        content_length=int(length[1]) if length and not _CHUNKED.search(answer) else None,
    )


def is_foreign(data: bytes) -> bool:
    """Tell whether a file's beginning names another version than ours, whose layout we do not know."""
    return len(data) >= _FIELDS.size and VERSION_BYTES.unpack_from(data) != (VERSION,)


def check_key(head: CacheHead, key: str) -> None:
    """Raise FormatError if a file's head is that of another key, as after a collision of MD5."""
    if head.key != key:
        raise FormatError(f"it holds another answer: {excerpt(head.key)}")
