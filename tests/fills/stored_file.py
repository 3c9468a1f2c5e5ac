"""Files such as nginx writes into its cache, and such as it does not."""

import struct
from typing import Final

ANSWER: Final = b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nETag: "e"\r\nX-Other: y\r\n\r\n'
_FIELDS: Final = struct.Struct("=QqqqqqIHHH")
_STRUCTURE: Final = 336


def cache_file(
    key: str | bytes,
    answer: bytes = ANSWER,
    body: bytes = b"",
    *,
    version: int = 5,
    start: int | None = None,
    body_start: int | None = None,
) -> bytes:
    """Return a file that begins with the head of nginx's version 5, or nearly so."""
    raw = key.encode() if isinstance(key, str) else key
    line = b"\nKEY: " + raw + b"\n"
    key_end = _STRUCTURE + len(line)
    fields = _FIELDS.pack(
        *(version, 2_000_000_000, 0, 0, 0, 1_800_000_000, 0, 0),
        key_end if start is None else start,
        key_end + len(answer) if body_start is None else body_start,
    )
    return fields.ljust(_STRUCTURE, b"\0") + line + answer + body
