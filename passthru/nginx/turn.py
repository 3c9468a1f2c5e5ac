"""Whose turn it is at a request, and under which key each upstream's answer is kept; pure.

This is what templates/nginx/server/ says to nginx, said once more in Python; a test compares the two.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import unquote_to_bytes

from passthru.nginx import grammar


class Area(StrEnum):
    """Which of the two zones an answer is in."""

    METADATA = "metadata"
    NAR = "nar"


@dataclass(frozen=True, slots=True)
class Turn:
    """One upstream's turn."""

    upstream: str
    key: str


_NARINFO: Final = re.compile(grammar.NARINFO, re.ASCII)
_NAR: Final = re.compile(grammar.NAR, re.ASCII)
_METADATA: Final = tuple(re.compile(pattern, re.ASCII) for pattern in grammar.METADATA)
_REFUSED: Final = tuple(re.compile(p, re.ASCII) for p in (grammar.TOO_LONG, grammar.ENCODED))
_NAMED: Final = re.compile(r"/nar/~([^/]+)(/.*)", re.ASCII | re.DOTALL)


def area_of(target: str) -> Area | None:
    """Return where answers to the path `target`, from its slash on, are kept; None if nowhere."""
    if not target.isprintable() or any(pattern.search(target) for pattern in _REFUSED):
        return None
    if _NAR.search(target):
        return Area.NAR
    path = target.partition("?")[0]
    if path == target and (_NARINFO.search(path) or any(p.search(path) for p in _METADATA)):
        return Area.METADATA
    return None


def turns_of(target: str, upstreams: Sequence[str]) -> tuple[Turn, ...]:
    """Return the turns of the `upstreams`, by their names, at a path that `area_of` knows."""
    if area_of(target) is Area.METADATA:
        path = unquote_to_bytes(target).decode("utf-8", "replace")
        return tuple(Turn(name, f"{name}{path}") for name in upstreams)
    named = _NAMED.fullmatch(target)
    if named and named[1] in upstreams:
        return (Turn(named[1], f"{named[1]}/nar{named[2]}"),)
    return tuple(Turn(name, f"{name}{target}") for name in upstreams)


def nar_target(url: str, upstream: str, upstreams: Sequence[str]) -> str | None:
    """Return the path by which clients ask for the NAR of a narinfo that `upstream` gave.

    None where `URL:` leads elsewhere, and clients therefore past this cache.
    """
    target = f"/{url}"
    if not url.startswith("nar/") or area_of(target) is not Area.NAR:
        return None
    if upstream == upstreams[0]:
        return target
    return f"/nar/~{upstream}/{url.removeprefix('nar/')}"
