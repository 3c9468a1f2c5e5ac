"""A row of bars for a row of figures; pure."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

BARS: Final = "▁▂▃▄▅▆▇█"
ASCII_BARS: Final = ".:-=+*%@"
"""For terminals that have no others."""


def sparkline(values: Sequence[float], top: float, *, bars: str = BARS) -> str:
    """Return a bar for each value, the highest at `top`; nothing is a blank, a little the lowest."""
    if top <= 0:
        return " " * len(values)
    steps = len(bars)
    return "".join(
        " " if value <= 0 else bars[min(steps - 1, int(value / top * steps))] for value in values
    )


def condense(values: Sequence[float], columns: int) -> list[float]:
    """Return means of neighbours, `columns` of them or as many as there are values."""
    count = min(columns, len(values))
    edges = [place * len(values) // count for place in range(count + 1)] if count else [0]
    return [sum(values[start:end]) / (end - start) for start, end in pairwise(edges) if end > start]
