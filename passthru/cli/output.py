"""What goes to stdout (data) and to stderr (talk)."""

import json
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from passthru.cli.failure import FORMAT


def say(text: str) -> None:
    """Tell the person at the terminal something; never data."""
    click.echo(text, err=True)


def print_record(fields: Mapping[str, Any]) -> None:
    """Print one JSON record, with the version of its format in front."""
    click.echo(json.dumps({"version": FORMAT, **fields}, indent=2))


def table(rows: Sequence[Sequence[str]], *, right: frozenset[int] = frozenset()) -> list[str]:
    """Return lines with aligned columns, no borders; the columns in `right` are flushed right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if index in right else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def line_width() -> int | None:
    """Return the columns of the terminal that stdout is, or None where it is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def size(count: int) -> str:
    """Return a number of bytes in a person's unit, powers of 1024 as in the spec."""
    amount = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:  # noqa: PLR2004 - the definition of the unit
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"


def command_line(*words: str) -> str:
    """Return a command to paste into a shell."""
    return shlex.join(words)
