"""From a history's steps to a drawing: path data, lines to read values by, marks of time; pure.

Horizontally all is in parts of a thousand, so that the drawing can be stretched; vertically in the
pixels of a plot of HEIGHT.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final

from passthru.stats.snapshot import Point
from passthru.stats.words import format_bytes, format_percent, format_rate

WIDTH: Final = 1000
HEIGHT: Final = 200

_RULES: Final = 4
"""At most so many lines to read values by."""

_STEPS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 512, 1024)


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across the plot, and the rate it stands for."""

    y: float
    label: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment below the plot; `x` in per cent, `anchor` as SVG has it."""

    x: float
    label: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Served against fetched over one span, ready to be drawn."""

    served_area: str
    served_line: str
    fetched_area: str
    fetched_line: str
    rules: tuple[Rule, ...]
    marks: tuple[Mark, ...]
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
        rules=_rules(step, top),
        marks=tuple(_marks(points, zone)),
        served_bytes=served_bytes,
        fetched_bytes=fetched_bytes,
        saved_bytes=max(0, served_bytes - fetched_bytes),
        description=_describe(points, served, (served_bytes, fetched_bytes), zone),
    )


def line(values: Sequence[float], top: float) -> str:
    """Return the path through `values`, from the left edge to the right; "" for none."""
    if not values:
        return ""
    heights = [_y(value, top) for value in values]
    if len(heights) == 1:
        heights *= 2
    last = len(heights) - 1
    return "M" + "L".join(
        f"{_number(place * WIDTH / last)},{_number(height)}" for place, height in enumerate(heights)
    )


def area(values: Sequence[float], top: float) -> str:
    """Return the closed path between `values` and the ground; "" for none."""
    if not values:
        return ""
    return f"{line(values, top)}L{WIDTH},{HEIGHT}L0,{HEIGHT}Z"


def scale(highest: float) -> tuple[float, float]:
    """Return the distance of the rules and the top of the plot: round numbers of binary units."""
    if not highest > 0 or math.isinf(highest):
        return 0.0, 0.0
    least = max(highest / _RULES, 1.0)
    unit = 1024.0 ** int(math.log(least, 1024) + 1e-9)
    step = next(factor for factor in _STEPS if factor * unit >= least * (1 - 1e-9)) * unit
    return step, math.ceil(highest / step - 1e-9) * step


def _rate(size: int, seconds: float) -> float:
    # A step that has just begun would show one answer as a peak.
    return size / max(seconds, 1.0)


def _y(value: float, top: float) -> float:
    return HEIGHT * (1 - min(value / top, 1.0)) if top else float(HEIGHT)


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _rules(step: float, top: float) -> tuple[Rule, ...]:
    if not step:
        return ()
    return tuple(
        Rule(y=round(_y(place * step, top), 1), label=_whole(place * step))
        for place in range(1, round(top / step) + 1)
    )


def _whole(rate: float) -> str:
    return format_rate(rate).replace(".0 ", " ")


def _marks(points: Sequence[Point], zone: tzinfo | None) -> Iterable[Mark]:
    """Yield quarters of an hour, quarters of a day or Mondays, as the steps are long."""
    before: datetime | None = None
    last = max(1, len(points) - 1)
    for place, point in enumerate(points):
        at = local(point.start, zone)
        label = _label(at, before, points[0].seconds)
        before = at
        x = round(100 * place / last, 2)
        if label and 2 <= x <= 98:  # noqa: PLR2004 - not at the very edge
            yield Mark(x, label, "start" if x < 6 else "end" if x > 94 else "middle")  # noqa: PLR2004


def _label(at: datetime, before: datetime | None, seconds: float) -> str:
    if seconds < 900:  # noqa: PLR2004
        return f"{at:%H:%M}" if at.minute % 15 == 0 else ""
    if seconds < 3600:  # noqa: PLR2004
        return f"{at:%H:%M}" if at.hour % 6 == 0 and at.minute == 0 else ""
    is_new = before is not None and before.date() != at.date()
    return f"{at.day} {at:%b}" if is_new and at.weekday() == 0 else ""


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


def local(moment: float, zone: tzinfo | None) -> datetime:
    """Return a moment in a zone, or in this machine's own."""
    at = datetime.fromtimestamp(moment, zone)
    return at if zone else at.astimezone()
