"""A snapshot in a terminal."""

from datetime import UTC

import click
import pytest

from passthru.cli.columns import Column, fit
from passthru.cli.dashboard import dashboard
from passthru.cli.layout import NARROWEST, Style
from passthru.cli.sparkline import ASCII_BARS, BARS, condense, sparkline
from passthru.stats.snapshot import Snapshot
from tests.stats import snapshots

ALL = {
    name: getattr(snapshots, name)()
    for name in ("busy", "private", "fresh", "ailing", "failing", "huge", "hostile")
}


def text(shown: Snapshot, *, width: int = 80, header: bool = True, bars: str = BARS) -> str:
    """Return what is shown, without colours."""
    style = Style(width=width, header=header, bars=bars, zone=UTC)
    return click.unstyle("\n".join(dashboard(shown, style)))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("width", [NARROWEST, 60, 80, 110])
def test_nothing_is_wider_than_the_terminal(name: str, width: int) -> None:
    """Whatever is to be shown, what matters least gives way, and nothing commands the terminal."""
    shown = text(ALL[name], width=width)

    assert max(map(len, shown.splitlines())) <= width
    assert all(line.isprintable() for line in shown.splitlines())


def test_figures_are_those_of_the_snapshot() -> None:
    """What the page shows stands there, in its order."""
    shown = text(ALL["busy"])
    places = [
        shown.index(part)
        for part in (
            "all is well",
            "http://cache.local",
            "saved ",
            "hit ratio ",
            "412 requests/s, 119 MiB/s served, 9.3 MiB/s fetched",
            "served ",
            "fetched ",
            "nixos      well   1 204 117",
            "148 GiB  180 GiB  82 %",
            "full in 3 weeks",
            "612 GiB free on the disk",
            "texlive-combined-full-2024",
            "14:03:21  nar",
            "Nix cache on lab-2",
            "41 803 114 lines counted, 3 not understood",
        )
    ]

    assert places == sorted(places)
    assert "Nix cache on lab-1" not in shown  # that is ourselves


def test_what_is_wrong_comes_first() -> None:
    """It is said in words, for those who see no colours, with all that is behind it."""
    shown = text(ALL["ailing"])

    assert shown.startswith("ATTENTION: ")
    assert all(f"- {detail}" in shown for detail in ALL["ailing"].headline.details)
    assert text(ALL["failing"]).startswith("FAILING: ")


def test_states_have_colours() -> None:
    """Green, yellow and red, beside the words."""
    lines = "\n".join(dashboard(ALL["ailing"], Style()))

    for word, color in (("well", "green"), ("failing", "yellow"), ("down", "red")):
        assert click.style(word, fg=color) in lines


def test_no_header() -> None:
    """What --no-header leaves out are the heads of tables, and nothing else."""
    heads = {"upstream", "zone", "in flight", "last", "neighbour"}
    whole, short = (text(ALL["busy"], header=header).splitlines() for header in (True, False))

    assert {line.split("  ")[0] for line in whole} >= heads
    assert not {line.split("  ")[0] for line in short} & heads
    assert len(whole) - len(short) == len(heads)


def test_narrow_terminal_keeps_what_matters() -> None:
    """Of an upstream, its name, its state and its errors."""
    narrow = text(ALL["ailing"], width=NARROWEST)

    assert "community  failing   3 204  700 GiB\n" in narrow
    assert "p95" not in narrow


def test_terminal_without_bars() -> None:
    """ASCII ones stand in for them."""
    shown = text(ALL["busy"], bars=ASCII_BARS)

    assert not set(BARS) & set(shown)
    assert set(ASCII_BARS[-2:]) & set(shown)


@pytest.mark.parametrize(
    ("values", "top", "bars"),
    [
        ([0, 1, 50, 99, 100], 100, " ▁▅██"),
        ([0, 0.001], 100, " ▁"),
        ([1, 2], 0, "  "),
        ([], 1, ""),
        ([float("1e308")], 1e308, "█"),
    ],
)
def test_sparkline(values: list[float], top: float, bars: str) -> None:
    """Nothing is a blank, a little can be seen, the highest is a whole bar."""
    assert sparkline(values, top) == bars


@pytest.mark.parametrize(
    ("values", "columns", "condensed"),
    [
        ([1, 3, 5, 7], 2, [2, 6]),
        ([1, 2, 3], 2, [1, 2.5]),
        ([1, 2], 5, [1, 2]),
        ([], 5, []),
    ],
)
def test_condense(values: list[float], columns: int, condensed: list[float]) -> None:
    """Every value counts once, in the column that it falls into."""
    assert condense(values, columns) == condensed


def test_columns_give_way() -> None:
    """The lightest goes first, an empty one at once, and what cannot go is cut."""
    columns = (Column("name"), Column("a", 2, right=True), Column("b", 1), Column("c", 3))
    rows = [("one", "1", "x", ""), ("three", "22", "y", "")]

    assert fit(columns, rows, 80, header=False) == ["one     1  x", "three  22  y"]
    assert fit(columns, rows, 10, header=False) == ["one     1", "three  22"]
    assert fit(columns, rows, 5, header=False) == ["one", "three"]
    assert fit(columns, rows, 4, header=False) == ["one", "thr~"]
    assert fit(columns, [], 80, header=False) == []
