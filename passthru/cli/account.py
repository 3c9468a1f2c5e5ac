"""All there is to say about one object: its path, the NAR that a narinfo names, the last answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from passthru.cache.copies import copies_of
from passthru.cli.last_answers import find_last_answers
from passthru.cli.standing import (
    Entry,
    Soundness,
    Standing,
    compare,
    find_standing,
    read_stored_narinfo,
)
from passthru.errors import FormatError
from passthru.nginx.turn import nar_target

if TYPE_CHECKING:
    from passthru.cli.kept import Kept
    from passthru.nix.narinfo import NarInfo
    from passthru.stats.batch import LoggedAnswer

_WRONG = frozenset({Soundness.WRONG_SIZE, Soundness.WRONG_HASH})


@dataclass(frozen=True, slots=True)
class Part:
    """One path of an object."""

    standing: Standing
    soundness: dict[str, Soundness]
    """What each upstream's stored NAR is worth, where a narinfo tells."""

    last_answers: tuple[LoggedAnswer, ...]
    """Newest first."""

    copies: tuple[str, ...] = ()
    """The plain files that nginx serves before it looks at the entries."""

    @property
    def is_wrong(self) -> bool:
        """Whether an entry is cut short, or not what its narinfo says."""
        stored = (entry.stored for entry in self.standing.entries)
        return any(one is not None and one.is_cut for one in stored) or any(
            kind in _WRONG for kind in self.soundness.values()
        )


@dataclass(frozen=True, slots=True)
class Account:
    """One object; moments are seconds since 1970."""

    now: float
    missing_ttl: int
    """Seconds for which nginx remembers an upstream's 404, in memory."""

    info: NarInfo | None
    info_fault: str | None
    """Why a stored narinfo is of no use."""

    nar_elsewhere: str | None
    """The URL of a NAR that clients fetch past this cache."""

    parts: tuple[Part, ...]

    @property
    def is_wrong(self) -> bool:
        """Whether what is stored is cut short, no narinfo, or not what its narinfo says."""
        return self.info_fault is not None or any(part.is_wrong for part in self.parts)


def give_account(kept: Kept, target: str, *, now: float, verify: bool) -> Account:
    """Look all of it up; raises PassthruError if the cache cannot be read."""
    standing = find_standing(target, kept.zones, kept.order, now)
    info, fault, elsewhere = None, None, None
    copies = copies_of(kept.site.hot, target) if target.endswith(".narinfo") else ()
    parts = [Part(standing, {}, find_last_answers(kept, target), copies)]
    entry = standing.answering
    if target.endswith(".narinfo") and entry is not None and entry.stored is not None:
        try:
            info = read_stored_narinfo(entry.stored, kept.spec.nix_cache_info.store_dir)
        except FormatError as error:
            fault = error.message
        else:
            nar = nar_target(info.url, entry.upstream, kept.order)
            elsewhere = info.url if nar is None else None
            if nar is not None:
                parts.append(_nar_part(kept, nar, info, now=now, verify=verify))
    return Account(now, kept.spec.cache.missing_ttl, info, fault, elsewhere, tuple(parts))


def _nar_part(kept: Kept, target: str, info: NarInfo, *, now: float, verify: bool) -> Part:
    standing = find_standing(target, kept.zones, kept.order, now)
    soundness = {
        entry.upstream: _judge(entry, info, verify=verify)
        for entry in standing.entries
        if entry.answers
    }
    return Part(standing, soundness, find_last_answers(kept, target))


def _judge(entry: Entry, info: NarInfo, *, verify: bool) -> Soundness:
    return compare(entry.stored, info, verify=verify) if entry.stored else Soundness.UNKNOWN
