"""The steps that charts are made of."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import assert_never

from passthru.stats.batch import Sums


class Span(StrEnum):
    """How far back a chart goes."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a chart; the last one may not be over."""

    start: int
    """Seconds since 1970."""

    seconds: int
    sums: Sums = field(default_factory=Sums)


def steps_of(span: Span) -> tuple[int, int]:
    """Return how many steps a span has, and how many seconds each is long."""
    match span:
        case Span.HOUR:
            return 60, 60
        case Span.DAY:
            return 96, 900
        case Span.MONTH:
            return 120, 6 * 3600
        case _:
            assert_never(span)


def empty_steps(span: Span, now: float) -> tuple[Step, ...]:
    """Return the steps of a span, oldest first; the last one is the one that `now` is in."""
    count, seconds = steps_of(span)
    last = int(now) // seconds * seconds
    return tuple(Step(last - back * seconds, seconds) for back in reversed(range(count)))
