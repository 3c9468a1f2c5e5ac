"""Which of a site's caches asks the upstream for a path: all of them come to the same answer; pure.

Rendezvous hashing: each cache has a weight for each path, and the heaviest that is well owns it. One
that comes or goes changes the owner of its own share only.
"""

from collections.abc import Iterable
from hashlib import sha256

from passthru.lan.neighbour import Neighbour


def owners(
    path_hash: str, peers: Iterable[tuple[str, Neighbour]], *, ourselves: str | None
) -> tuple[Neighbour, ...]:
    """Return those to ask before we ask the upstream ourselves, the owner first.

    `peers` are the others with their names, `ourselves` is our own name among them, if we have a share.
    """
    well = {name: one for name, one in peers if one.healthy and not one.ourselves}
    names = [*well, *([ourselves] if ourselves is not None else [])]
    ordered = sorted(names, key=lambda name: _weight(name, path_hash), reverse=True)
    before_us = ordered[: ordered.index(ourselves)] if ourselves is not None else ordered
    return tuple(well[name] for name in before_us)


def _weight(name: str, path_hash: str) -> bytes:
    return sha256(f"{name}\0{path_hash}".encode()).digest()
