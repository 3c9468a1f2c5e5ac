"""Between what is counted and the rows of the ledger."""

import json
from collections.abc import Iterator
from dataclasses import astuple, replace
from typing import Final

from passthru.stats.batch import Batch, LastError, LoggedAnswer
from passthru.stats.durations import BUCKETS, Durations
from passthru.stats.kind import CacheStatus, Kind, Outcome
from passthru.stats.position import Position
from passthru.stats.totals import Totals

Counter = tuple[str, str, str, int]
"""Name, two labels (empty where there is none), value."""

_MILLISECONDS: Final = "milliseconds"


def counters_of(totals: Totals) -> Iterator[Counter]:
    """Yield each count."""
    yield "lines", "", "", totals.lines
    yield "unparsable_lines", "", "", totals.unparsable_lines
    for (kind, found), count in totals.requests.items():
        yield "requests", kind.value, found.value, count
    for (kind, found), count in totals.sent_bytes.items():
        yield "sent_bytes", kind.value, found.value, count
    for (kind, code), count in totals.responses.items():
        yield "responses", kind.value, code, count
    for (upstream, outcome), count in totals.upstream_requests.items():
        yield "upstream_requests", upstream, outcome.value, count
    for upstream, count in totals.upstream_bytes.items():
        yield "upstream_bytes", upstream, "", count
    for kind, durations in totals.durations.items():
        yield from _buckets("durations", kind.value, durations)
    for upstream, durations in totals.upstream_durations.items():
        yield from _buckets("upstream_durations", upstream, durations)


def take_in(totals: Totals, row: Counter) -> None:
    """Take one count in; raises ValueError for one that this version does not know."""
    match row:
        case ("lines" | "unparsable_lines" as name, _, _, value):
            setattr(totals, name, value)
        case ("durations", kind, bucket, value):
            _fill(totals.durations.setdefault(Kind(kind), Durations()), bucket, value)
        case ("upstream_durations", upstream, bucket, value):
            _fill(totals.upstream_durations.setdefault(upstream, Durations()), bucket, value)
        case ("upstream_bytes", upstream, _, value):
            totals.upstream_bytes[upstream] = value
        case ("upstream_requests", upstream, outcome, value):
            totals.upstream_requests[upstream, Outcome(outcome)] = value
        case ("responses", kind, code, value):
            totals.responses[Kind(kind), code] = value
        case ("requests" | "sent_bytes" as name, kind, found, value):
            getattr(totals, name)[Kind(kind), CacheStatus(found)] = value
        case (name, _, _, _):
            raise ValueError(f"{name} is no count of ours")


def _buckets(name: str, label: str, durations: Durations) -> Iterator[Counter]:
    yield name, label, _MILLISECONDS, durations.milliseconds
    for bound, number in zip((*BUCKETS, "inf"), durations.counts, strict=True):
        if number:
            yield name, label, str(bound), number


def _fill(durations: Durations, bucket: str, value: int) -> None:
    if bucket == _MILLISECONDS:
        durations.milliseconds = value
    else:
        durations.counts[[*map(str, BUCKETS), "inf"].index(bucket)] = value


def recent_text(batch: Batch) -> str:
    """Write what is kept of the last lines as one text."""
    return json.dumps(
        {
            "last_line_at": batch.totals.last_line_at,
            "sample": batch.sample,
            "asked_at": batch.asked_at,
            "last_errors": {name: astuple(one) for name, one in batch.last_errors.items()},
            "answers": [astuple(one) for one in batch.answers],
        }
    )


def read_recent(text: str, batch: Batch) -> None:
    """Read what `recent_text` wrote into an empty batch; raises ValueError."""
    try:
        found = json.loads(text)
        batch.totals.last_line_at = found["last_line_at"]
        batch.sample = found["sample"]
        batch.asked_at = dict(found["asked_at"])
        batch.last_errors = {name: LastError(*one) for name, one in found["last_errors"].items()}
        batch.answers = [
            replace(answer, kind=Kind(answer.kind), cache_status=CacheStatus(answer.cache_status))
            for answer in (LoggedAnswer(*one) for one in found["answers"])
        ]
    except (KeyError, TypeError, AttributeError) as fault:
        raise ValueError(f"not what we wrote: {fault}") from fault


def position_text(position: Position) -> str:
    """Write a position as one text."""
    return json.dumps(astuple(position))


def read_position(text: str) -> Position:
    """Read what `position_text` wrote; raises ValueError."""
    try:
        return Position(*json.loads(text))
    except TypeError as fault:
        raise ValueError(f"not what we wrote: {fault}") from fault
