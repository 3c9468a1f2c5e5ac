"""What nginx has stored of a narinfo, and what it makes of it for clients; pure, and believes nothing."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from passthru.cache.head import LONGEST_HEAD, check_key, read_head
from passthru.errors import FormatError

LONGEST: Final = 16384
"""Bytes of a narinfo that is copied; nearly all have one or two thousand."""

LONGEST_FILE: Final = LONGEST_HEAD + LONGEST

_OK: Final = 200
_ENCODED: Final = re.compile(rb"^Content-Encoding:", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer:
    """One stored narinfo; moments are seconds since 1970."""

    body: bytes
    modified: int
    """When its upstream says that it was changed, or else when it was stored."""

    valid_until: int


def read_answer(data: bytes, key: str) -> Answer:
    """Read a whole file of nginx's cache; raises FormatError unless it is a narinfo that fits."""
    head = read_head(data)
    check_key(head, key)
    body = data[head.body_start :]
    if head.status != _OK:
        raise FormatError(f"its status is {head.status}")
    if not 0 < len(body) <= LONGEST:
        raise FormatError(f"it has {len(body)} bytes")
    if head.content_length not in {None, len(body)}:
        raise FormatError("it is cut short")
    if _ENCODED.search(data[: head.body_start]):
        raise FormatError("it is encoded")
    modified = head.stored_at if head.last_modified is None else head.last_modified
    return Answer(body, modified, head.valid_until)


def rewrite(body: bytes, pairs: Sequence[tuple[str, str]]) -> bytes:
    """Replace what lines begin with, as `sub_filter` does: whatever the case, the first of each.

    A line is what follows another one.
    """
    left = {f"\n{old}".encode().lower(): f"\n{new}".encode() for old, new in pairs}
    if not left:
        return body
    pattern = re.compile(b"|".join(map(re.escape, left)), re.IGNORECASE)

    def replace(found: re.Match[bytes]) -> bytes:
        return left.pop(found[0].lower(), found[0])

    return pattern.sub(replace, body)
