"""From what lines say to a Batch: adding up."""

from collections.abc import Iterable, Mapping
from typing import Final

from passthru.stats.batch import Asked, Batch, LastError, PathCount, Sums
from passthru.stats.contacts import Contact
from passthru.stats.durations import Durations
from passthru.stats.kind import FROM_CACHE, CacheStatus, Kind, Outcome
from passthru.stats.log_line import Sort

MINUTE: Final = 60

_FAILURES: Final = frozenset({Outcome.ERROR, Outcome.TIMEOUT})

Groups = dict[tuple[int, Sort], list[int]]
"""By minute and sort: how many, bytes sent, milliseconds."""


def count_groups(batch: Batch, groups: Mapping[tuple[int, Sort], list[int]]) -> None:
    """Add requests that were counted together; each sort has its kind."""
    totals = batch.totals
    for (minute, sort), (count, sent, milliseconds) in groups.items():
        kind, found = sort.kind or Kind.OTHER, sort.cache_status
        totals.requests[kind, found] = totals.requests.get((kind, found), 0) + count
        totals.sent_bytes[kind, found] = totals.sent_bytes.get((kind, found), 0) + sent
        totals.responses[kind, sort.code] = totals.responses.get((kind, sort.code), 0) + count
        if found is not CacheStatus.STALE:
            durations = totals.durations.setdefault(kind, Durations())
            durations.counts[sort.bucket] += count
            durations.milliseconds += milliseconds
        sums = batch.minutes.setdefault(minute, Sums())
        sums.requests += count
        sums.hits += count if found in FROM_CACHE else 0
        sums.cacheable_requests += 0 if found is CacheStatus.NONE else count
        sums.errors += count if sort.is_error else 0
        sums.served_bytes += sent


def count_contacts(
    batch: Batch, asked: Iterable[Contact], *, at: int, known: frozenset[str], other: str
) -> None:
    """Add the upstreams that one line says were asked; those not `known` count as `other`."""
    totals, minute = batch.totals, at // MINUTE * MINUTE
    for contact in asked:
        name = contact.upstream if contact.upstream in known else other
        totals.upstream_bytes[name] = totals.upstream_bytes.get(name, 0) + contact.received_bytes
        batch.minutes.setdefault(minute, Sums()).fetched_bytes += contact.received_bytes
        if contact.outcome is None:
            continue
        key = name, contact.outcome
        totals.upstream_requests[key] = totals.upstream_requests.get(key, 0) + 1
        recent = batch.asked_minutes.setdefault((minute, name), Asked())
        recent.requests += 1
        recent.errors += contact.outcome in _FAILURES
        if contact.milliseconds is not None:
            totals.upstream_durations.setdefault(name, Durations()).count(contact.milliseconds)
            recent.durations.count(contact.milliseconds)
        batch.asked_at[name] = at
        if contact.error is not None:
            batch.last_errors[name] = LastError(at, contact.error)


def count_path(paths: dict[str, PathCount], path: str, sent_bytes: int) -> None:
    """Add one request for a path."""
    counted = paths.setdefault(path, PathCount())
    counted.requests += 1
    counted.sent_bytes += sent_bytes
