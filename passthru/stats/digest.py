"""A chart's steps as a table to read: fewer rows, each a stretch of the clock; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from itertools import groupby
from typing import assert_never

from passthru.stats.axis import local
from passthru.stats.history import Span
from passthru.stats.snapshot import Point


@dataclass(frozen=True, slots=True)
class Row:
    """What a few steps are together."""

    label: str
    requests: int
    served_bytes: int
    fetched_bytes: int


def digest(points: Sequence[Point], span: Span, *, zone: tzinfo | None = None) -> tuple[Row, ...]:
    """Return the steps by five minutes, hours or days of the clock, oldest first."""
    groups = groupby(points, key=lambda point: _stretch(local(point.start, zone), span))
    return tuple(_row(label, tuple(together)) for label, together in groups)


def _stretch(at: datetime, span: Span) -> str:
    match span:
        case Span.HOUR:
            return f"{at:%H}:{at.minute // 5 * 5:02}"
        case Span.DAY:
            return f"{at:%a %H}:00"
        case Span.MONTH:
            return f"{at:%a} {at.day} {at:%B}"
        case _:
            assert_never(span)


def _row(label: str, points: Sequence[Point]) -> Row:
    return Row(
        label=label,
        requests=sum(point.requests for point in points),
        served_bytes=sum(point.served_bytes for point in points),
        fetched_bytes=sum(point.fetched_bytes for point in points),
    )
