"""What some lines of the log say, added up: the counts, and what the totals do not keep."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from heapq import nlargest
from typing import Final

from passthru.stats.durations import Durations
from passthru.stats.kind import FROM_CACHE, CacheStatus, Kind
from passthru.stats.totals import Totals

LAST_ANSWERS: Final = 20
MOST_PATHS: Final = 1000
"""Paths that a batch tells apart."""


@dataclass(slots=True)
class Sums:
    """What happened within some time."""

    requests: int = 0
    hits: int = 0
    """Requests answered from our disk."""

    cacheable_requests: int = 0
    """Requests that nginx looked up in its cache."""

    errors: int = 0
    """Answers of 500 and above."""

    served_bytes: int = 0
    fetched_bytes: int = 0

    def add(self, other: "Sums") -> None:
        """Add what `other` has."""
        self.requests += other.requests
        self.hits += other.hits
        self.cacheable_requests += other.cacheable_requests
        self.errors += other.errors
        self.served_bytes += other.served_bytes
        self.fetched_bytes += other.fetched_bytes


def sums_of(totals: Totals) -> Sums:
    """Return what the totals come to."""
    by_status = [(found, count) for (_, found), count in totals.requests.items()]
    codes = totals.responses.items()
    return Sums(
        requests=sum(count for _, count in by_status),
        hits=sum(count for found, count in by_status if found in FROM_CACHE),
        cacheable_requests=sum(
            count for found, count in by_status if found is not CacheStatus.NONE
        ),
        errors=sum(count for (_, code), count in codes if code.startswith("5")),
        served_bytes=sum(totals.sent_bytes.values()),
        fetched_bytes=sum(totals.upstream_bytes.values()),
    )


@dataclass(slots=True)
class Asked:
    """How an upstream did within some time."""

    requests: int = 0
    errors: int = 0
    """Errors and timeouts."""

    durations: Durations = field(default_factory=Durations)

    def add(self, other: "Asked") -> None:
        """Add what `other` has."""
        self.requests += other.requests
        self.errors += other.errors
        self.durations.add(other.durations)


@dataclass(frozen=True, slots=True)
class LoggedAnswer:
    """One request that was not refused."""

    at: float
    kind: Kind
    status: int
    cache_status: CacheStatus
    upstream: str | None
    sent_bytes: int
    seconds: float
    path: str | None
    """Only if paths are wanted."""


@dataclass(frozen=True, slots=True)
class LastError:
    """What an upstream did wrong last."""

    at: float
    text: str
    """For people: "answered 503", "no answer in 4.0 s", "no connection"."""


@dataclass(slots=True)
class PathCount:
    """How often a path was asked for."""

    requests: int = 0
    sent_bytes: int = 0


def add_paths(ours: dict[str, PathCount], theirs: Mapping[str, PathCount]) -> None:
    """Add counts path by path."""
    for path, count in theirs.items():
        one = ours.setdefault(path, PathCount())
        one.requests += count.requests
        one.sent_bytes += count.sent_bytes


def most(paths: dict[str, PathCount], limit: int) -> dict[str, PathCount]:
    """Return the paths that were asked for most, all of them if there are at most `limit`."""
    if len(paths) <= limit:
        return paths
    return dict(nlargest(limit, paths.items(), key=lambda one: one[1].requests))


@dataclass(slots=True)
class Batch:
    """The sum of some lines."""

    totals: Totals = field(default_factory=Totals)
    minutes: dict[int, Sums] = field(default_factory=dict)
    """By the start of the minute, seconds since 1970."""

    asked_minutes: dict[tuple[int, str], Asked] = field(default_factory=dict)
    """By minute and upstream."""

    answers: list[LoggedAnswer] = field(default_factory=list)
    """The last LAST_ANSWERS, oldest first."""

    asked_at: dict[str, float] = field(default_factory=dict)
    """When each upstream was asked last."""

    last_errors: dict[str, LastError] = field(default_factory=dict)
    paths: dict[str, PathCount] = field(default_factory=dict)
    """Narinfos and NARs that were served, the MOST_PATHS asked for most; only if they are wanted."""

    sample: str | None = None
    """An unparsable line, escaped and cut."""

    def add(self, other: "Batch") -> None:
        """Add the lines that came after ours."""
        self.totals.add(other.totals)
        for minute, sums in other.minutes.items():
            self.minutes.setdefault(minute, Sums()).add(sums)
        for key, asked in other.asked_minutes.items():
            self.asked_minutes.setdefault(key, Asked()).add(asked)
        self.answers = [*self.answers, *other.answers][-LAST_ANSWERS:]
        self.asked_at.update(other.asked_at)
        self.last_errors.update(other.last_errors)
        add_paths(self.paths, other.paths)
        self.paths = most(self.paths, MOST_PATHS)
        self.sample = self.sample if other.sample is None else other.sample
