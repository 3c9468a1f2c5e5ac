"""Whose turn it is at a request, and under which key each upstream's answer is kept; pure.

This is what templates/nginx/server/ says to nginx, said once more in Python; a test compares the two.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import unquote_to_bytes

from passthru.cache.nar_url import handed_out
from passthru.nginx import grammar
from passthru.spec.conflict import NEIGHBOURS


class Area(StrEnum):
    """Which of the two zones an answer is in."""

    METADATA = "metadata"
    NAR = "nar"


@dataclass(frozen=True, slots=True)
class Turn:
    """One upstream's turn."""

    upstream: str
    key: str


@dataclass(frozen=True, slots=True)
class Order:
    """Who is asked, one after the other."""

    upstreams: tuple[str, ...]
    """Their names."""

    neighbours: str | None = None
    """What comes before the path in the key of what neighbours gave; None: they are not asked."""

    plain: frozenset[str] = frozenset()
    """Those whose narinfos never lead to another host."""


_NARINFO: Final = re.compile(grammar.NARINFO, re.ASCII)
_NARS: Final = tuple(re.compile(p, re.ASCII) for p in (grammar.NAR, grammar.NAR_ELSEWHERE))
_METADATA: Final = tuple(re.compile(pattern, re.ASCII) for pattern in grammar.METADATA)
_REFUSED: Final = tuple(re.compile(p, re.ASCII) for p in (grammar.TOO_LONG, grammar.ENCODED))
_NEIGHBOURS_NAR: Final = re.compile(
    rf"/nar/~{NEIGHBOURS}/[0-9a-f]+/(?:~[^/]+/)?(?!~/)(.+)", re.DOTALL
)
_NAMED: Final = re.compile(r"/nar/~([^/]+)(/.*)", re.ASCII | re.DOTALL)


def area_of(target: str) -> Area | None:
    """Return where answers to the path `target`, from its slash on, are kept; None if nowhere."""
    if not target.isprintable() or any(pattern.search(target) for pattern in _REFUSED):
        return None
    if any(pattern.search(target) for pattern in _NARS):
        return Area.NAR
    path = target.partition("?")[0]
    if path == target and (_NARINFO.search(path) or any(p.search(path) for p in _METADATA)):
        return Area.METADATA
    return None


def turns_of(target: str, order: Order) -> tuple[Turn, ...]:
    """Return the turns at a path that `area_of` knows."""
    first = () if order.neighbours is None else (Turn(NEIGHBOURS, f"{order.neighbours}{target}"),)
    if area_of(target) is Area.METADATA:
        path = unquote_to_bytes(target).decode("utf-8", "replace")
        turns = tuple(Turn(name, f"{name}{path}") for name in order.upstreams)
        return (*first, *turns) if _NARINFO.search(target) else turns
    if first and target.startswith(f"/nar/~{NEIGHBOURS}/"):
        marked = _NEIGHBOURS_NAR.fullmatch(target)
        path = f"/nar/{marked[1]}" if marked else target
        return (*first, *(Turn(name, f"{name}{path}") for name in order.upstreams))
    named = _NAMED.fullmatch(target)
    if named and named[1] in order.upstreams:
        return (Turn(named[1], f"{named[1]}/nar{named[2]}"),)
    return tuple(Turn(name, f"{name}{target}") for name in order.upstreams)


def nar_target(url: str, upstream: str, order: Order) -> str | None:
    """Return the path by which clients ask for the NAR of a narinfo that `upstream` gave.

    None where `URL:` leads elsewhere, and clients therefore past this cache.
    """
    told = url
    if upstream != NEIGHBOURS:  # a neighbour's is stored as clients are told
        first, plain = upstream == order.upstreams[0], upstream in order.plain
        told = handed_out(url, upstream, first=first, plain=plain)
    target = f"/{told}"
    return target if told.startswith("nar/") and area_of(target) is Area.NAR else None
