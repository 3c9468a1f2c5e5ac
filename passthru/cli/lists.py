"""The lists of a snapshot as tables for a terminal; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from passthru.cli.columns import Column, fit
from passthru.cli.layout import wrapped
from passthru.stats.snapshot import UpstreamState
from passthru.stats.stranger import plain
from passthru.stats.words import (
    NOTHING,
    format_bytes,
    format_clock,
    format_count,
    format_duration,
    format_latency,
    format_percent,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from passthru.cli.layout import Style
    from passthru.stats.snapshot import Snapshot

_NAME: Final = 24
"""Characters of a name that are shown."""

_FEW: Final = 5
"""Rows of lists that the page shows more of."""

_COLORS: Final = {
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


def upstreams(shown: Snapshot, style: Style) -> Iterator[str]:
    """Yield the upstreams, in the order they are asked."""
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


def store(shown: Snapshot, style: Style) -> Iterator[str]:
    """Yield the zones, and what the disk has left."""
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
    yield from wrapped("; ".join(words), style)


def _share(used: int | None, most: int) -> str:
    return NOTHING if used is None or not most else format_percent(used / most)


def fills(shown: Snapshot, style: Style) -> Iterator[str]:
    """Yield the downloads in flight."""
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


def answers(shown: Snapshot, style: Style) -> Iterator[str]:
    """Yield the last answers."""
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


def neighbours(shown: Snapshot, style: Style) -> Iterator[str]:
    """Yield other caches on this network."""
    others = [one for one in shown.neighbours if not one.ourselves]
    states = {True: "well", False: "does not answer", None: NOTHING}
    rows = [(plain(one.name, 36), plain(one.url, 60), states[one.healthy]) for one in others[:_FEW]]
    if rows:
        yield from fit(_NEIGHBOURS, rows, style.width, header=style.header)
        yield from _rest(len(others), style)


def _rest(count: int, style: Style) -> Iterator[str]:
    if count > _FEW:
        yield from wrapped(f"and {count - _FEW} more", style)
