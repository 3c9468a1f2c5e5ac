"""Where one path stands: each upstream's entry of it in the cache, and what comes of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from passthru.errors import FormatError
from passthru.nginx.stored import Stored, downloading, find_stored, read_body
from passthru.nginx.turn import Area, Order, area_of, turns_of
from passthru.nix.hashes import Hash, HashAlgorithm
from passthru.nix.narinfo_reader import LONGEST_NARINFO, parse_narinfo

if TYPE_CHECKING:
    from passthru.nginx.zones import Zones
    from passthru.nix.narinfo import NarInfo

OK = 200


class State(StrEnum):
    """How the entry of one upstream is."""

    FRESH = "fresh"
    STALE = "stale"
    ABSENT = "absent"
    SPOILT = "spoilt"
    """nginx takes it for a miss."""


class Soundness(StrEnum):
    """How a stored NAR compares with its narinfo."""

    COMPLETE = "complete"
    """It has the size that was promised; its contents were not looked at."""

    VERIFIED = "verified"
    WRONG_SIZE = "wrong-size"
    WRONG_HASH = "wrong-hash"
    UNKNOWN = "unknown"
    """The narinfo does not tell."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is kept of one upstream's answer."""

    upstream: str
    key: str
    state: State
    stored: Stored | None
    fault: str | None
    """Why the file is spoilt."""

    downloading: tuple[int, ...]
    """The bytes so far of each download of it that is in flight."""

    @property
    def answers(self) -> bool:
        """Whether a request that comes to it goes no further."""
        return self.stored is not None and self.stored.head.status == OK


@dataclass(frozen=True, slots=True)
class Standing:
    """One path, and the entry of every upstream whose turn may come, in order."""

    target: str
    area: Area
    entries: tuple[Entry, ...]

    @property
    def answering(self) -> Entry | None:
        """The first entry that answers, if those before it have nothing better."""
        return next((entry for entry in self.entries if entry.answers), None)

    @property
    def asked(self) -> tuple[str, ...]:
        """The upstreams that the next request goes to before it is answered, by name."""
        names = []
        for entry in self.entries:
            if entry.answers:
                break
            names.append(entry.upstream)
        return tuple(names)


def find_standing(target: str, zones: Zones, order: Order, now: float) -> Standing:
    """Look up the entry of `target` of everybody in `order`; `now` is in seconds since 1970.

    Raises PassthruError if the cache cannot be read, FormatError for a path that is never stored.
    """
    area = area_of(target)
    if area is None:
        raise FormatError(f"{target} is never stored")
    zone = zones.nar if area is Area.NAR else zones.metadata
    entries = []
    for turn in turns_of(target, order):
        stored, fault = None, None
        try:
            stored = find_stored(zone, turn.key)
        except FormatError as error:
            state, fault = State.SPOILT, error.message
        else:
            state = _state(stored, now)
        in_flight = downloading(zone, turn.key)
        entries.append(Entry(turn.upstream, turn.key, state, stored, fault, in_flight))
    return Standing(target, area, tuple(entries))


def read_stored_narinfo(stored: Stored, store_dir: str) -> NarInfo:
    """Return the narinfo that an entry holds; raises FormatError and PassthruError."""
    body = b"".join(read_body(stored, most=LONGEST_NARINFO + 1))
    return parse_narinfo(body, store_dir=store_dir)


def compare(stored: Stored, info: NarInfo, *, verify: bool) -> Soundness:
    """Hold a stored NAR to its narinfo: its size, and with `verify` its hash as well."""
    size, wanted = info.file_size, info.file_hash
    if info.compression == "none":
        size, wanted = size or info.nar_size, wanted or info.nar_hash
    if size is not None and stored.body_size != size:
        return Soundness.WRONG_SIZE
    if not verify:
        return Soundness.UNKNOWN if size is None else Soundness.COMPLETE
    if wanted is None or wanted.algorithm is not HashAlgorithm.SHA256:
        return Soundness.UNKNOWN
    digest = hashlib.sha256()
    for piece in read_body(stored):
        digest.update(piece)
    is_right = Hash(HashAlgorithm.SHA256, digest.digest()) == wanted
    return Soundness.VERIFIED if is_right else Soundness.WRONG_HASH


def _state(stored: Stored | None, now: float) -> State:
    if stored is None:
        return State.ABSENT
    return State.FRESH if stored.is_fresh(now) else State.STALE
