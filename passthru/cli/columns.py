"""Tables for a terminal of any width: what matters least is left out where there is no room; pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import click

from passthru.cli.output import table


@dataclass(frozen=True, slots=True)
class Column:
    """One column."""

    head: str
    weight: int = 0
    """The lightest goes first; 0 is never left out."""

    right: bool = False
    """Whether it is flushed right, as figures are."""


def fit(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int, *, header: bool = True
) -> list[str]:
    """Return the lines of a table that is at most `width` wide; empty columns are left out too."""
    kept = [i for i, column in enumerate(columns) if not column.weight or any(r[i] for r in rows)]
    while True:
        shown = [[row[place] for place in kept] for row in rows]
        if header:
            shown.insert(0, [columns[place].head for place in kept])
        right = frozenset(i for i, place in enumerate(kept) if columns[place].right)
        lines = table(shown, right=right) if shown else []
        light = [place for place in kept if columns[place].weight]
        if not light or max(map(len, lines), default=0) <= width:
            break
        kept.remove(min(light, key=lambda place: columns[place].weight))
    lines = [line if len(line) <= width else f"{line[: width - 1]}~" for line in lines]
    if header and lines:
        lines[0] = click.style(lines[0], dim=True)
    return lines
