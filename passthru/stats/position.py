"""A place in the log, which survives that the log is renamed, copied, truncated or replaced."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

HEAD_BYTES: Final = 512


@dataclass(frozen=True, slots=True)
class Position:
    """Up to where the log was read."""

    inode: int
    offset: int
    head: str = ""
    """The digest of the file's first bytes: `offset` of them, but at most HEAD_BYTES."""

    seen_ns: int = 0
    """When the file had been written to last, nanoseconds since 1970."""


def digest(head: bytes) -> str:
    """Return what tells a file with this beginning from others."""
    return blake2b(head, digest_size=12).hexdigest()
