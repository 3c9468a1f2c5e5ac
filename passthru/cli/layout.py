"""How text is laid out in a terminal; pure."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click

from passthru.cli.sparkline import BARS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo

NARROWEST: Final = 40
"""Columns that are taken where the terminal has fewer."""

LABEL: Final = 10
"""Columns of the words before a line's figures."""


@dataclass(frozen=True, slots=True)
class Style:
    """How it is to look."""

    width: int = 80
    header: bool = True
    bars: str = BARS
    zone: tzinfo | None = None
    """Whose clock is shown; None: this machine's."""


def figure(label: str, words: str, style: Style) -> Iterator[str]:
    """Yield a label and what belongs to it."""
    first, *rest = wrapped(words, style, taken=LABEL)
    yield click.style(f"{label:<{LABEL}}", dim=True) + first
    yield from (" " * LABEL + line for line in rest)


def wrapped(text: str, style: Style, *, indent: str = "", taken: int = 0) -> list[str]:
    """Return lines that leave `taken` columns free; all after the first begin with `indent`."""
    room = max(NARROWEST, style.width) - taken
    return textwrap.wrap(
        text, room, subsequent_indent=indent, break_on_hyphens=False, break_long_words=True
    )
