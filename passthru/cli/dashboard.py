"""A snapshot as lines for a terminal: the figures of the status page, in its order; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from passthru.cli import lists
from passthru.cli.layout import LABEL, figure, wrapped
from passthru.cli.sparkline import condense, sparkline
from passthru.stats.snapshot import Condition
from passthru.stats.stranger import plain
from passthru.stats.words import (
    format_bytes,
    format_clock,
    format_count,
    format_date,
    format_duration,
    format_frequency,
    format_percent,
    format_rate,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from passthru.cli.layout import Style
    from passthru.stats.snapshot import Snapshot, Tally

_COLORS: Final = {
    Condition.WELL: "green",
    Condition.ATTENTION: "yellow",
    Condition.FAILING: "red",
}


def dashboard(shown: Snapshot, style: Style) -> list[str]:
    """Return the lines, none wider than the style's width where that can be."""
    blocks = (
        _headline(shown, style),
        _tiles(shown, style),
        _chart(shown, style),
        lists.upstreams(shown, style),
        lists.store(shown, style),
        lists.fills(shown, style),
        lists.answers(shown, style),
        lists.neighbours(shown, style),
        _log(shown, style),
    )
    lines: list[str] = []
    for block in blocks:
        found = list(block)
        if found and lines:
            lines.append("")
        lines += found
    return lines


def _headline(shown: Snapshot, style: Style) -> Iterator[str]:
    headline, instance = shown.headline, shown.instance
    color = _COLORS[headline.condition]
    # In words too, for those who see no colours.
    mark = "" if headline.condition is Condition.WELL else f"{headline.condition.upper()}: "
    for line in wrapped(f"{mark}{plain(headline.text)}", style):
        yield click.style(line, fg=color, bold=True)
    for detail in headline.details:
        yield from wrapped(f"- {plain(detail)}", style, indent="  ")
    words = [plain(instance.address), f'mode "{plain(instance.mode)}"']
    if instance.generation:
        words.append(f"generation {plain(instance.generation)}")
    if instance.serving_since is not None:
        words.append(f"up {format_duration(shown.taken_at - instance.serving_since)}")
    for line in wrapped(", ".join(words), style):
        yield click.style(line, dim=True)


def _tiles(shown: Snapshot, style: Style) -> Iterator[str]:
    today, total = shown.tallies.today, shown.tallies.total
    since = format_date(shown.instance.counting_since, style.zone)
    yield from figure("saved", f"{_saved(today)} today, {_saved(total)} since {since}", style)
    yield from figure(
        "hit ratio",
        f"{format_percent(today.byte_hit_ratio)} of bytes and {format_percent(today.hit_ratio)}"
        f" of requests today; {format_percent(total.byte_hit_ratio)} of bytes in all",
        style,
    )
    rates = shown.rates
    yield from figure(
        "now",
        f"{format_frequency(rates.requests_per_second)} requests/s,"
        f" {format_rate(rates.served_bytes_per_second)} served,"
        f" {format_rate(rates.fetched_bytes_per_second)} fetched",
        style,
    )
    connections = shown.connections
    if connections is None:
        yield from figure("clients", "nginx tells no figures", style)
    else:
        plural = "" if connections.active == 1 else "s"
        words = f"{format_count(connections.active)} connection{plural}"
        yield from figure("clients", f"{words}, {format_count(connections.writing)} busy", style)
    if today.errors:
        yield from figure(
            "errors", f"{format_count(today.errors)} answers of 500 or more today", style
        )


def _saved(tally: Tally) -> str:
    return format_bytes(tally.saved_bytes)


def _chart(shown: Snapshot, style: Style) -> Iterator[str]:
    points = shown.charts.day
    room = style.width - LABEL - len(" at most 1000 MiB/s")
    if not points or room < LABEL:
        return
    served, fetched = (
        condense([count / max(point.seconds, 1.0) for point, count in pairs], min(48, room))
        for pairs in (
            [(point, point.served_bytes) for point in points],
            [(point, point.fetched_bytes) for point in points],
        )
    )
    top = max(*served, *fetched)
    for label, values in (("served", served), ("fetched", fetched)):
        bars = sparkline(values, top, bars=style.bars)
        most = f"at most {format_rate(max(values))}"
        yield f"{click.style(f'{label:<{LABEL}}', dim=True)}{bars} {most}".rstrip()
    width = len(served)
    yield click.style(f"{'':<{LABEL}}{'24 h ago':<{width - 3}}now", dim=True)


def _log(shown: Snapshot, style: Style) -> Iterator[str]:
    log = shown.log
    words = f"{format_count(log.lines)} lines counted"
    if log.unparsable_lines:
        words += f", {format_count(log.unparsable_lines)} not understood"
    words += f", {format_bytes(log.behind_bytes)} to be read"
    if log.last_line_at is not None:
        words += f"; the last of {format_clock(log.last_line_at, style.zone)}"
    yield from figure("log", words, style)
