"""From steps to path data: the golden drawing, and what holds for all."""

import re
from datetime import UTC, timedelta, timezone
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passthru.stats.axis import HEIGHT, scale
from passthru.stats.chart import WIDTH, Chart, area, draw, line
from passthru.stats.digest import digest
from passthru.stats.history import Span
from tests.stats.snapshots import GIB, MIB, SAMPLES, busy, fresh

GOLDEN: Final = Path(__file__).parent / "golden"


def written(chart: Chart) -> str:
    """Return a chart as lines to compare."""
    parts = [f"served-area {chart.served_area}", f"served-line {chart.served_line}"]
    parts += [f"fetched-area {chart.fetched_area}", f"fetched-line {chart.fetched_line}"]
    parts += [f"rule {rule.y} {rule.label}" for rule in chart.rules]
    parts += [f"mark {mark.x} {mark.anchor} {mark.label}" for mark in chart.marks]
    parts += [f"bytes {chart.served_bytes} {chart.fetched_bytes} {chart.saved_bytes}"]
    return "\n".join([*parts, chart.description, ""])


@pytest.mark.parametrize("span", Span)
@pytest.mark.parametrize("name", ["busy", "fresh"])
def test_drawing_is_the_golden_one(name: str, span: Span, request: pytest.FixtureRequest) -> None:
    """The same steps give the same path data, to the letter."""
    text = written(draw(getattr(SAMPLES[name]().charts, span), zone=UTC))
    golden = GOLDEN / f"{name}-{span}.txt"
    if request.config.getoption("--update-golden"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text)

    assert text == golden.read_text()


def test_line_goes_from_edge_to_edge() -> None:
    """The ground is below, the top above; an area comes back to the ground."""
    assert line([0, 5, 10], 10) == "M0,200L500,100L1000,0"
    assert area([0, 5, 10], 10) == "M0,200L500,100L1000,0L1000,200L0,200Z"


def test_line_of_little() -> None:
    """No value draws nothing, one value is a level, and nothing served lies on the ground."""
    assert line([], 10) == area([], 10) == ""
    assert line([5], 10) == "M0,100L1000,100"
    assert line([0, 0], 0) == "M0,200L1000,200"


@given(st.lists(st.floats(0, 1e300), max_size=200))
def test_no_line_leaves_the_plot(values: list[float]) -> None:
    """Whatever the values, coordinates are finite numbers within the plot, x going right."""
    _, top = scale(max(values, default=0))
    points = re.findall(r"([0-9.]+),([0-9.]+)", line(values, top))

    assert line(values, top) == "M" + "L".join(f"{x},{y}" for x, y in points) or not values
    assert all(0 <= float(x) <= WIDTH and 0 <= float(y) <= HEIGHT for x, y in points)
    assert [float(x) for x, _ in points] == sorted(float(x) for x, _ in points)


@pytest.mark.parametrize(
    ("highest", "step", "top"),
    [
        (0, 0, 0),
        (1, 1, 1),
        (4, 1, 4),
        (5, 2, 6),
        (190 * MIB, 50 * MIB, 200 * MIB),
        (200 * MIB, 50 * MIB, 200 * MIB),
        (201 * MIB, 100 * MIB, 300 * MIB),
        (1.9 * GIB, 512 * MIB, 2 * GIB),
        (4 * GIB, GIB, 4 * GIB),
    ],
)
def test_scale_is_round(highest: float, step: float, top: float) -> None:
    """Rules stand at numbers that read well in binary units."""
    assert scale(highest) == (step, top)


@given(st.floats(1, 1e18))
def test_scale_holds_the_highest(highest: float) -> None:
    """At most four rules, the uppermost not below the curve."""
    step, top = scale(highest)

    assert top >= highest * (1 - 1e-9)
    assert 1 <= round(top / step) <= 4


def test_marks_follow_the_zone() -> None:
    """Marks are at whole hours of the clock on the wall."""
    points = busy().charts.day
    india = timezone(timedelta(hours=5, minutes=30))

    assert [mark.label for mark in draw(points, zone=UTC).marks] == [
        "18:00",
        "00:00",
        "06:00",
        "12:00",
    ]
    assert [mark.label for mark in draw(points, zone=india).marks] == [
        "00:00",
        "06:00",
        "12:00",
        "18:00",
    ]


@pytest.mark.parametrize("span", Span)
@pytest.mark.parametrize("name", SAMPLES)
def test_table_adds_up(name: str, span: Span) -> None:
    """Nothing is lost between the steps of the curve and the rows of the table."""
    points = getattr(SAMPLES[name]().charts, span)
    rows = digest(points, span, zone=UTC)
    chart = draw(points, zone=UTC)

    assert sum(row.served_bytes for row in rows) == chart.served_bytes
    assert sum(row.fetched_bytes for row in rows) == chart.fetched_bytes
    assert sum(row.requests for row in rows) == sum(point.requests for point in points)
    assert 12 <= len(rows) <= 31


def test_strips_cover_the_plot() -> None:
    """Strip beside strip from edge to edge, each with its time and rates."""
    charts = busy().charts
    strips = draw(charts.day, zone=UTC).strips

    assert strips[0].x == "0"
    assert sum(float(strip.width) for strip in strips) == pytest.approx(WIDTH, abs=5)
    assert strips[-1].label == "14:00: 140 MiB/s, 9.0 MiB/s fetched"
    assert draw(charts.month, zone=UTC).strips[-1].label.startswith("2 Mar 12:00: ")


def test_rows_are_named_by_the_clock() -> None:
    """Five minutes, hours and days."""
    charts = busy().charts

    assert digest(charts.hour, Span.HOUR, zone=UTC)[-1].label == "14:00"
    assert digest(charts.day, Span.DAY, zone=UTC)[-1].label == "Mon 14:00"
    assert digest(charts.month, Span.MONTH, zone=UTC)[-1].label == "Mon 2 March"


def test_a_second_is_no_peak() -> None:
    """A step that began a moment ago does not turn one answer into the highest rate."""
    *before, last = fresh().charts.hour
    sudden = last.model_copy(update={"seconds": 0.001, "served_bytes": 10 * MIB})

    assert draw([*before, sudden], zone=UTC).rules[-1].label == "10 MiB/s"
