"""The axes of a chart: round numbers to read values by, and moments of the clock; pure."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Final

from passthru.stats.snapshot import Point
from passthru.stats.words import format_rate

HEIGHT: Final = 200
"""Of the plot, in pixels."""

HOUR: Final = 3600

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


def scale(highest: float) -> tuple[float, float]:
    """Return the distance of the rules and the top of the plot: round numbers of binary units."""
    if not highest > 0 or math.isinf(highest):
        return 0.0, 0.0
    least = max(highest / _RULES, 1.0)
    unit = 1024.0 ** int(math.log(least, 1024) + 1e-9)
    step = next(factor for factor in _STEPS if factor * unit >= least * (1 - 1e-9)) * unit
    return step, math.ceil(highest / step - 1e-9) * step


def height(value: float, top: float) -> float:
    """Return how far below the top of the plot a value is."""
    return HEIGHT * (1 - min(value / top, 1.0)) if top else float(HEIGHT)


def rules(step: float, top: float) -> tuple[Rule, ...]:
    """Return the lines at each `step` up to `top`."""
    if not step:
        return ()
    return tuple(
        Rule(y=round(height(place * step, top), 1), label=_whole(place * step))
        for place in range(1, round(top / step) + 1)
    )


def _whole(rate: float) -> str:
    return format_rate(rate).replace(".0 ", " ")


def marks(points: Sequence[Point], zone: tzinfo | None) -> Iterable[Mark]:
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
    if seconds < HOUR:
        return f"{at:%H:%M}" if at.hour % 6 == 0 and at.minute == 0 else ""
    is_new = before is not None and before.date() != at.date()
    return f"{at.day} {at:%b}" if is_new and at.weekday() == 0 else ""


def local(moment: float, zone: tzinfo | None) -> datetime:
    """Return a moment in a zone, or in this machine's own."""
    at = datetime.fromtimestamp(moment, zone)
    return at if zone else at.astimezone()
