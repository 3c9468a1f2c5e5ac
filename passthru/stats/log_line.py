"""One line of the log: what each field may hold, and what it means."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from passthru.stats.contacts import FIELDS as CONTACT_FIELDS
from passthru.stats.contacts import Contacts, read_contacts
from passthru.stats.durations import bucket_of
from passthru.stats.figure import read_count, read_milliseconds, read_time
from passthru.stats.kind import FROM_CACHE, CacheStatus, Kind
from passthru.stats.totals import CODES, OTHER

VERSION: Final = b"2\t"
"""How each line begins."""

OLD_VERSION: Final = b"1\t"
"""How lines began before; they are counted as lines and not looked at."""

TIMED: Final = slice(28)
"""Where version and time stand, both with their tabs."""

REST: Final = slice(28, None)
"""What stands behind them."""

_STATUS_DIGITS: Final = 3
_SERVER_ERROR: Final = 500

_STATUSES: Final = {
    b"": CacheStatus.NONE,
    **{one.upper().encode(): one for one in CacheStatus if one is not CacheStatus.NONE},
}
_KINDS: Final = {b"narinfo": Kind.NARINFO, b"nar": Kind.NAR}
_PATHS: Final = (
    (re.compile(rb"/[0-9a-z]{32}\.narinfo"), Kind.NARINFO),
    (re.compile(rb"/nar/.+"), Kind.NAR),
    (re.compile(rb"/[0-9a-z]{32}\.ls(?:\.xz)?"), Kind.LS),
    (re.compile(rb"/log/.+"), Kind.LOG),
    (re.compile(rb"/(?:realisations|build-trace-v2)/.+"), Kind.REALISATION),
    (re.compile(rb"/nix-cache-info(?:\?.*)?"), Kind.CACHE_INFO),
)


@dataclass(frozen=True, slots=True, eq=False)
class Sort:
    """What requests are counted together by; alike is the same object, which is quicker to find."""

    kind: Kind | None
    """None where the path must tell."""

    cache_status: CacheStatus
    code: str
    """One of CODES, or OTHER."""

    bucket: int
    """Of the duration."""

    is_error: bool

    def of(self, kind: Kind) -> "Sort":
        """Return the same for a kind that the path told."""
        return _sort(kind, self.cache_status, self.code, self.bucket, is_error=self.is_error)


@dataclass(frozen=True, slots=True)
class Said:
    """All that a line says, but for its time and path."""

    sort: Sort
    status: int
    upstream: str | None
    milliseconds: int
    sent_bytes: int
    contacts: Contacts | None


def read_rest(rest: bytes) -> Said:
    """Read what stands between time and path; raises ValueError."""
    _method, status, found, turn, seconds, sent, *others = rest.split(b"\t")
    if len(status) != _STATUS_DIGITS or len(others) not in {0, CONTACT_FIELDS}:
        raise ValueError("not a line of this format")
    code = read_count(status)
    kind, slash, name = turn.partition(b"/")
    upstream = name.decode("ascii") if slash else None
    milliseconds = read_milliseconds(seconds)
    named = status.decode("ascii")
    return Said(
        sort=_sort(
            _KINDS.get(kind),
            _found(found, code),
            named if named in CODES else OTHER,
            bucket_of(milliseconds),
            is_error=code >= _SERVER_ERROR,
        ),
        status=code,
        upstream=upstream,
        milliseconds=milliseconds,
        sent_bytes=read_count(sent),
        contacts=read_contacts(others, upstream=upstream or "", status=status) if others else None,
    )


def read_timed(timed: bytes) -> int:
    """Read how a line begins, and return its time, seconds since 1970; raises ValueError."""
    if not (timed.startswith(VERSION) and timed.endswith(b"\t")):
        raise ValueError("not a line of this format")
    return read_time(timed[len(VERSION) : -1])


def kind_of(path: bytes) -> Kind:
    """Return what a path names."""
    for pattern, kind in _PATHS:
        if pattern.fullmatch(path):
            return kind
    return Kind.OTHER


@cache
def _sort(
    kind: Kind | None, cache_status: CacheStatus, code: str, bucket: int, *, is_error: bool
) -> Sort:
    return Sort(kind, cache_status, code, bucket, is_error)


def _found(text: bytes, code: int) -> CacheStatus:
    """Return what the cache had. An outage is nobody's hit, even if a stored "no" came last."""
    try:
        found = _STATUSES[text]
    except KeyError:
        raise ValueError("not a cache status") from None
    return CacheStatus.MISS if code >= _SERVER_ERROR and found in FROM_CACHE else found
