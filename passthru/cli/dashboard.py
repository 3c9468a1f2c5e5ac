"""A snapshot as lines for a terminal: the figures of the status page, in its order; pure."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click

from passthru.cli.columns import Column, fit
from passthru.cli.sparkline import BARS, condense, sparkline
from passthru.stats.snapshot import Condition, UpstreamState
from passthru.stats.stranger import plain
from passthru.stats.words import (
    NOTHING,
    format_bytes,
    format_clock,
    format_count,
    format_date,
    format_duration,
    format_frequency,
    format_latency,
    format_percent,
    format_rate,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo

    from passthru.stats.snapshot import Snapshot, Tally

NARROWEST: Final = 40
_LABEL: Final = 10
"""Columns of the words before a line's figures."""

_NAME: Final = 24
"""Characters of a name that are shown."""

_FEW: Final = 5
"""Rows of lists that the page shows more of."""

_COLORS: Final = {
    Condition.WELL: "green",
    Condition.ATTENTION: "yellow",
    Condition.FAILING: "red",
    UpstreamState.WELL: "green",
    UpstreamState.FAILING: "yellow",
    UpstreamState.DOWN: "red",
}

_UPSTREAMS: Final = (
    Column("upstream"),
    Column("state"),
    Column("asked", 4, right=True),
    Column("errors", 6, right=True),
    Column("fetched", 5, right=True),
    Column("median", 3, right=True),
    Column("p95", 2, right=True),
    Column("last error", 1),
)
_ZONES: Final = (
    Column("zone"),
    Column("used", right=True),
    Column("of", right=True),
    Column("", 2, right=True),
    Column("files", 1, right=True),
)
_FILLS: Final = (
    Column("in flight"),
    Column("so far", right=True),
    Column("of", 2, right=True),
    Column("since", 1, right=True),
)
_ANSWERS: Final = (
    Column("last"),
    Column("kind"),
    Column("status", right=True),
    Column("cache"),
    Column("upstream", 4),
    Column("sent", 5, right=True),
    Column("took", 3, right=True),
    Column("path", 1),
)
_NEIGHBOURS: Final = (Column("neighbour"), Column("url", 1), Column("state"))


@dataclass(frozen=True, slots=True)
class Style:
    """How it is to look."""

    width: int = 80
    header: bool = True
    bars: str = BARS
    zone: tzinfo | None = None
    """Whose clock is shown; None: this machine's."""


def dashboard(shown: Snapshot, style: Style) -> list[str]:
    """Return the lines, none wider than the style's width where that can be."""
    blocks = (
        _headline(shown, style),
        _tiles(shown, style),
        _chart(shown, style),
        _upstreams(shown, style),
        _store(shown, style),
        _fills(shown, style),
        _answers(shown, style),
        _neighbours(shown, style),
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
    for line in _wrapped(f"{mark}{plain(headline.text)}", style):
        yield click.style(line, fg=color, bold=True)
    for detail in headline.details:
        yield from _wrapped(f"- {plain(detail)}", style, indent="  ")
    words = [plain(instance.address), f'mode "{plain(instance.mode)}"']
    if instance.generation:
        words.append(f"generation {plain(instance.generation)}")
    if instance.serving_since is not None:
        words.append(f"up {format_duration(shown.taken_at - instance.serving_since)}")
    for line in _wrapped(", ".join(words), style):
        yield click.style(line, dim=True)


def _tiles(shown: Snapshot, style: Style) -> Iterator[str]:
    today, total = shown.tallies.today, shown.tallies.total
    since = format_date(shown.instance.counting_since, style.zone)
    yield from _figure("saved", f"{_saved(today)} today, {_saved(total)} since {since}", style)
    yield from _figure(
        "hit ratio",
        f"{format_percent(today.byte_hit_ratio)} of bytes and {format_percent(today.hit_ratio)}"
        f" of requests today; {format_percent(total.byte_hit_ratio)} of bytes in all",
        style,
    )
    rates = shown.rates
    yield from _figure(
        "now",
        f"{format_frequency(rates.requests_per_second)} requests/s,"
        f" {format_rate(rates.served_bytes_per_second)} served,"
        f" {format_rate(rates.fetched_bytes_per_second)} fetched",
        style,
    )
    connections = shown.connections
    if connections is None:
        yield from _figure("clients", "nginx tells no figures", style)
    else:
        plural = "" if connections.active == 1 else "s"
        words = f"{format_count(connections.active)} connection{plural}"
        yield from _figure("clients", f"{words}, {format_count(connections.writing)} busy", style)
    if today.errors:
        yield from _figure(
            "errors", f"{format_count(today.errors)} answers of 500 or more today", style
        )


def _saved(tally: Tally) -> str:
    return format_bytes(tally.saved_bytes)


def _chart(shown: Snapshot, style: Style) -> Iterator[str]:
    points = shown.charts.day
    room = style.width - _LABEL - len(" at most 1000 MiB/s")
    if not points or room < _LABEL:
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
        yield f"{click.style(f'{label:<{_LABEL}}', dim=True)}{bars} {most}".rstrip()
    width = len(served)
    yield click.style(f"{'':<{_LABEL}}{'24 h ago':<{width - 3}}now", dim=True)


def _upstreams(shown: Snapshot, style: Style) -> Iterator[str]:
    rows = [
        (
            plain(one.name, _NAME),
            one.state.value,
            format_count(one.requests),
            format_count(one.errors),
            format_bytes(one.fetched_bytes),
            format_latency(one.median_seconds),
            format_latency(one.p95_seconds),
            plain(one.last_error or "", 30),
        )
        for one in shown.upstreams
    ]
    lines = fit(_UPSTREAMS, rows, style.width, header=style.header)
    yield from lines[: len(lines) - len(rows)]
    for line, one in zip(lines[len(lines) - len(rows) :], shown.upstreams, strict=True):
        name = plain(one.name, _NAME)
        state = click.style(one.state.value, fg=_COLORS.get(one.state))
        yield line[: len(name)] + line[len(name) :].replace(one.state.value, state, 1)


def _store(shown: Snapshot, style: Style) -> Iterator[str]:
    store = shown.store
    rows = [
        (
            plain(zone.name),
            NOTHING if zone.used_bytes is None else format_bytes(zone.used_bytes),
            format_bytes(zone.max_bytes),
            _share(zone.used_bytes, zone.max_bytes),
            NOTHING if zone.files is None else format_count(zone.files),
        )
        for zone in store.zones
    ]
    yield from fit(_ZONES, rows, style.width, header=style.header)
    words = []
    if store.seconds_to_full is not None:
        words.append(
            f"full in {format_duration(store.seconds_to_full)} at the rate of the last day"
        )
    if store.available_bytes is not None:
        free = f"{format_bytes(store.available_bytes)} free on the disk"
        words.append(f"{free}, which keeps {format_bytes(store.min_free_bytes)}")
    yield from _wrapped("; ".join(words), style)


def _share(used: int | None, most: int) -> str:
    return NOTHING if used is None or not most else format_percent(used / most)


def _fills(shown: Snapshot, style: Style) -> Iterator[str]:
    rows = [
        (
            plain(fill.name or "a NAR", 36),
            format_bytes(fill.bytes_so_far),
            NOTHING if fill.total_bytes is None else format_bytes(fill.total_bytes),
            format_duration(max(0.0, shown.taken_at - fill.started_at)),
        )
        for fill in shown.fills[:_FEW]
    ]
    if rows:
        yield from fit(_FILLS, rows, style.width, header=style.header)
        yield from _rest(len(shown.fills), style)


def _answers(shown: Snapshot, style: Style) -> Iterator[str]:
    rows = [
        (
            format_clock(answer.at, style.zone),
            answer.kind.value,
            str(answer.status),
            answer.cache_status.value,
            plain(answer.upstream or "", 20),
            format_bytes(answer.sent_bytes),
            format_latency(answer.seconds),
            plain(answer.path or "", 60),
        )
        for answer in shown.answers[:_FEW]
    ]
    if rows:
        yield from fit(_ANSWERS, rows, style.width, header=style.header)


def _neighbours(shown: Snapshot, style: Style) -> Iterator[str]:
    others = [one for one in shown.neighbours if not one.ourselves]
    states = {True: "well", False: "does not answer", None: NOTHING}
    rows = [(plain(one.name, 36), plain(one.url, 60), states[one.healthy]) for one in others[:_FEW]]
    if rows:
        yield from fit(_NEIGHBOURS, rows, style.width, header=style.header)
        yield from _rest(len(others), style)


def _log(shown: Snapshot, style: Style) -> Iterator[str]:
    log = shown.log
    words = f"{format_count(log.lines)} lines counted"
    if log.unparsable_lines:
        words += f", {format_count(log.unparsable_lines)} not understood"
    words += f", {format_bytes(log.behind_bytes)} to be read"
    if log.last_line_at is not None:
        words += f"; the last of {format_clock(log.last_line_at, style.zone)}"
    yield from _figure("log", words, style)


def _figure(label: str, words: str, style: Style) -> Iterator[str]:
    """Yield a label and what belongs to it."""
    first, *rest = _wrapped(words, style, taken=_LABEL)
    yield click.style(f"{label:<{_LABEL}}", dim=True) + first
    yield from (" " * _LABEL + line for line in rest)


def _rest(count: int, style: Style) -> Iterator[str]:
    if count > _FEW:
        yield from _wrapped(f"and {count - _FEW} more", style)


def _wrapped(text: str, style: Style, *, indent: str = "", taken: int = 0) -> list[str]:
    room = max(NARROWEST, style.width) - taken
    return textwrap.wrap(
        text, room, subsequent_indent=indent, break_on_hyphens=False, break_long_words=True
    )
