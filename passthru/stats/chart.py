"""From a history's steps to a drawing: path data, lines to read values by, marks of time; pure.

Horizontally all is in parts of a thousand, so that the drawing can be stretched; vertically in the
pixels of a plot of HEIGHT.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from passthru.stats.axis import HEIGHT, HOUR, Mark, Rule, height, local, marks, rules, scale
from passthru.stats.snapshot import Point
from passthru.stats.words import format_bytes, format_percent, format_rate

WIDTH: Final = 1000


@dataclass(frozen=True, slots=True)
class Strip:
    """The strip of the plot that belongs to one step, and what is said when it is pointed at."""

    x: str
    width: str
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Served against fetched over one span, ready to be drawn."""

    served_area: str
    served_line: str
    fetched_area: str
    fetched_line: str
    rules: tuple[Rule, ...]
    marks: tuple[Mark, ...]
    strips: tuple[Strip, ...]
    served_bytes: int
    fetched_bytes: int
    saved_bytes: int
    description: str
    """The curve in a sentence, for those who do not see it."""


def draw(points: Sequence[Point], *, zone: tzinfo | None = None) -> Chart:
    """Draw steps, oldest first; each is drawn at its place in the row, as bytes a second."""
    served = [_rate(point.served_bytes, point.seconds) for point in points]
    fetched = [_rate(point.fetched_bytes, point.seconds) for point in points]
    step, top = scale(max((*served, *fetched), default=0.0))
    served_bytes = sum(point.served_bytes for point in points)
    fetched_bytes = sum(point.fetched_bytes for point in points)
    return Chart(
        served_area=area(served, top),
        served_line=line(served, top),
        fetched_area=area(fetched, top),
        fetched_line=line(fetched, top),
        rules=rules(step, top),
        marks=tuple(marks(points, zone)),
        strips=tuple(_strips(points, served, fetched, zone)),
        served_bytes=served_bytes,
        fetched_bytes=fetched_bytes,
        saved_bytes=max(0, served_bytes - fetched_bytes),
        description=_describe(points, served, (served_bytes, fetched_bytes), zone),
    )


def line(values: Sequence[float], top: float) -> str:
    """Return the path through `values`, from the left edge to the right; "" for none."""
    if not values:
        return ""
    heights = [height(value, top) for value in values]
    if len(heights) == 1:
        heights *= 2
    last = len(heights) - 1
    return "M" + "L".join(
        f"{_number(place * WIDTH / last)},{_number(y)}" for place, y in enumerate(heights)
    )


def area(values: Sequence[float], top: float) -> str:
    """Return the closed path between `values` and the ground; "" for none."""
    if not values:
        return ""
    return f"{line(values, top)}L{WIDTH},{HEIGHT}L0,{HEIGHT}Z"


def _rate(size: int, seconds: float) -> float:
    # A step that has just begun would show one answer as a peak.
    return size / max(seconds, 1.0)


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _strips(
    points: Sequence[Point],
    served: Sequence[float],
    fetched: Sequence[float],
    zone: tzinfo | None,
) -> Iterable[Strip]:
    last = max(1, len(points) - 1)
    has_days = bool(points) and points[0].seconds > HOUR
    for place, point in enumerate(points):
        left = max(0.0, (place - 0.5) * WIDTH / last)
        right = min(float(WIDTH), (place + 0.5) * WIDTH / last)
        at = local(point.start, zone)
        day = f"{at.day} {at:%b} " if has_days else ""
        yield Strip(
            x=_number(left),
            width=_number(right - left),
            label=f"{day}{at:%H:%M}: {format_rate(served[place])}, "
            f"{format_rate(fetched[place])} fetched",
        )


def _describe(
    points: Sequence[Point], served: Sequence[float], totals: tuple[int, int], zone: tzinfo | None
) -> str:
    served_bytes, fetched_bytes = totals
    if not served_bytes and not fetched_bytes:
        return "Nothing was served in this time."
    saved = max(0, served_bytes - fetched_bytes)
    share = format_percent(saved / served_bytes if served_bytes else None)
    peak = max(range(len(served)), key=served.__getitem__)
    at = local(points[peak].start, zone)
    return (
        f"Served {format_bytes(served_bytes)} and fetched {format_bytes(fetched_bytes)}: "
        f"{share} came from this cache. Most was served at {at:%H:%M} on {at.day} {at:%B}, "
        f"{format_rate(served[peak])}."
    )
