"""What is announced: names, ports and what the TXT record says; pure."""

from dataclasses import dataclass
from typing import Final

from passthru.lan.record import Told

LONGEST_LABEL: Final = 63
"""Bytes of a name's part before the first dot (RFC 6763, section 4.1.1)."""

TTL: Final = 120
"""Seconds that others believe a record they cannot ask us about again (RFC 6762, section 10)."""

BROWSED: Final = (
    "_http._tcp.local.",
    "_https._tcp.local.",
    "_nix-serve._tcp.local.",
    "_nix_binary_cache._tcp.local.",
)
"""The service types that caches are announced as."""

CACHES_ONLY: Final = frozenset(BROWSED[2:])
"""Those that nothing else is announced as."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """One cache as it is to be announced."""

    name: str
    host: str
    """The first label of its name in `.local`."""

    port: int
    types: tuple[str, ...]
    """Full ones: `_http._tcp.local.`"""

    told: Told
    ttl: int = TTL


def numbered(label: str, number: int) -> str:
    """Return the `number`th name to try where others have the ones before."""
    if number == 1:
        return _cut(label, LONGEST_LABEL)
    ending = f"-{number}"
    return f"{_cut(label, LONGEST_LABEL - len(ending))}{ending}"


def _cut(label: str, size: int) -> str:
    """Return as much of a label as has `size` bytes, no character of it in half."""
    return label.encode()[:size].decode(errors="ignore").rstrip()
