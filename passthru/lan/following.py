"""Which neighbours a follower asks, and what it takes from them."""

import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, Final, Self

from passthru.lan.neighbour import Neighbour
from passthru.lan.sharing import owners
from passthru.nix import PublicKey

MOST_ASKED: Final = 3
"""Neighbours that are asked for one narinfo, one after the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """What a spec says of following."""

    socket: str
    """The path of the unix socket that nginx asks."""

    names: tuple[str, ...]
    """Patterns of the only names that count; empty: all."""

    networks: tuple[IPv4Network | IPv6Network, ...]
    """The only networks that count; empty: all."""

    keys: tuple[PublicKey, ...]
    store_dir: str
    loop_token: str
    """What we call ourselves in CDN-Loop."""

    peers: tuple[str, ...] | None = None
    """The URLs of those that share the work of a site; None where neighbours are merely followed."""

    discover: bool = False
    """Whether those who say that they share are peers too."""

    @classmethod
    def parse(cls, record: dict[str, Any]) -> Self:
        """Read what a rendering says; raises KeyError, TypeError, ValueError and FormatError."""
        return cls(
            socket=str(record["socket"]),
            names=tuple(map(str, record["names"])),
            networks=tuple(map(ip_network, record["networks"])),
            keys=tuple(map(PublicKey.parse, record["keys"])),
            store_dir=str(record["store_dir"]),
            loop_token=str(record["loop_token"]),
            peers=None if record.get("peers") is None else tuple(map(str, record["peers"])),
            discover=bool(record.get("discover")),
        )

    def choose(
        self, neighbours: Iterable[Neighbour], path_hash: str, *, identity: str | None
    ) -> tuple[Neighbour, ...]:
        """Return those that may be asked for a path now, in their order; `identity` is our own."""
        if self.peers is not None:
            return self._share(tuple(neighbours), path_hash, identity)
        return tuple(one for one in neighbours if one.healthy and self.admits(one))[:MOST_ASKED]

    def admits(self, neighbour: Neighbour) -> bool:
        """Say whether a neighbour may be asked at all."""
        if neighbour.ourselves or neighbour.tls:
            return False
        if self.peers is not None:
            return self._is_peer(neighbour)
        if (neighbour.store_dir or neighbour.told.store_dir) not in {None, self.store_dir}:
            return False
        if self.names and not any(fnmatch.fnmatchcase(neighbour.name, p) for p in self.names):
            return False
        return not self.networks or any(neighbour.address in net for net in self.networks)

    def trusts(self, neighbour: Neighbour) -> bool:
        """Say whether what it gives needs no signature: the spec names it by its address."""
        return neighbour.service in (self.peers or ())

    def _is_peer(self, neighbour: Neighbour) -> bool:
        return self.trusts(neighbour) or (self.discover and neighbour.told.shares)

    def _share(
        self, neighbours: tuple[Neighbour, ...], path_hash: str, identity: str | None
    ) -> tuple[Neighbour, ...]:
        """Return the owner of a path, and who comes after it; nobody if we own it."""
        peers = [one for one in neighbours if self._is_peer(one)]
        us = next((_peer_name(one, self) for one in peers if one.ourselves), None)
        if us is None and self.discover:
            us = identity
        named = [(_peer_name(one, self), one) for one in peers]
        return owners(path_hash, named, ourselves=us)[:MOST_ASKED]


def _peer_name(neighbour: Neighbour, following: Following) -> str:
    """Return what all peers call this one."""
    return neighbour.service if following.trusts(neighbour) else mark_of(neighbour)


def mark_of(neighbour: Neighbour) -> str:
    """Return what a neighbour's NARs are stored under: its identity, or one made of its place."""
    return neighbour.told.identity or sha256(neighbour.url.encode()).hexdigest()[:16]


def has_travelled(cdn_loop: str) -> bool:
    """Say whether a request comes from another cache: those are not asked in turn.

    The last token is our own nginx's.
    """
    return "," in cdn_loop
