"""From a view to the snapshot that is shown; pure."""

from collections.abc import Callable, Mapping
from typing import Final

from passthru.stats.batch import Sums
from passthru.stats.headline import make_headline
from passthru.stats.history import Span, Step
from passthru.stats.kind import Outcome
from passthru.stats.snapshot import (
    Answer,
    Charts,
    Connections,
    Fill,
    Instance,
    LogReading,
    Point,
    Rates,
    Snapshot,
    Store,
    Tallies,
    Tally,
    Upstream,
    UpstreamState,
    Wanted,
    Zone,
)
from passthru.stats.upstream_state import judge
from passthru.stats.view import Rate, View

_DAY: Final = 86400.0
_SHORTEST: Final = 600.0
"""Seconds of counting before a rate of growth means anything."""


def take_snapshot(
    view: View,
    wanted: tuple[Wanted, ...] | None = None,
    name_of: Callable[[str], str | None] = lambda _path: None,
) -> Snapshot:
    """Return the snapshot of a view; with `status.paths`, also what is wanted and who is who."""
    counted, world, facts = view.counted, view.world, view.facts
    states = {
        one.name: judge(counted.asked_lately.get(one.name), world.probes.get(one.name))
        for one in facts.upstreams
    }
    return Snapshot(
        taken_at=view.now,
        headline=make_headline(view, states),
        instance=Instance(
            passthru_version=facts.passthru_version,
            nginx_version=facts.nginx_version,
            generation=facts.generation,
            address=facts.address,
            mode=facts.mode,
            serving_since=world.serving_since,
            counting_since=counted.since,
        ),
        connections=_connections(view),
        tallies=Tallies(
            hour=_tally(counted.hour), today=_tally(counted.today), total=_tally(counted.total)
        ),
        rates=_rates(counted.rate),
        charts=Charts(
            hour=_points(counted.points[Span.HOUR]),
            day=_points(counted.points[Span.DAY]),
            month=_points(counted.points[Span.MONTH]),
        ),
        store=_store(view),
        upstreams=_upstreams(view, states),
        fills=tuple(
            Fill(
                name=name_of(fill.path) if fill.path else None,
                bytes_so_far=fill.bytes_so_far,
                total_bytes=fill.total_bytes,
                started_at=fill.started_at,
            )
            for fill in world.fills
        ),
        answers=_answers(view),
        wanted=wanted,
        neighbours=world.neighbours,
        log=LogReading(
            lines=counted.totals.lines,
            unparsable_lines=counted.totals.unparsable_lines,
            last_line_at=counted.totals.last_line_at,
            behind_bytes=view.log.behind_bytes,
        ),
        snippets=facts.snippets,
    )


def _connections(view: View) -> Connections | None:
    figures = view.world.nginx.figures
    if figures is None:
        return None
    return Connections(
        active=figures.active,
        reading=figures.reading,
        writing=figures.writing,
        waiting=figures.waiting,
        requests=figures.requests,
    )


def _tally(sums: Sums) -> Tally:
    saved = max(0, sums.served_bytes - sums.fetched_bytes)
    return Tally(
        requests=sums.requests,
        hits=sums.hits,
        cacheable_requests=sums.cacheable_requests,
        errors=sums.errors,
        served_bytes=sums.served_bytes,
        fetched_bytes=sums.fetched_bytes,
        saved_bytes=saved,
        hit_ratio=sums.hits / sums.cacheable_requests if sums.cacheable_requests else None,
        byte_hit_ratio=(
            saved / sums.served_bytes if sums.served_bytes and sums.cacheable_requests else None
        ),
    )


def _rates(rate: Rate) -> Rates:
    seconds = max(rate.seconds, 1.0)
    return Rates(
        requests_per_second=rate.requests / seconds,
        served_bytes_per_second=rate.served_bytes / seconds,
        fetched_bytes_per_second=rate.fetched_bytes / seconds,
    )


def _points(steps: tuple[Step, ...]) -> tuple[Point, ...]:
    return tuple(
        Point(
            start=step.start,
            seconds=step.seconds,
            requests=step.sums.requests,
            hits=step.sums.hits,
            errors=step.sums.errors,
            served_bytes=step.sums.served_bytes,
            fetched_bytes=step.sums.fetched_bytes,
        )
        for step in steps
    )


def _store(view: View) -> Store:
    scans = view.world.scans
    zones = tuple(
        Zone(
            name=zone.name,
            directory=zone.directory,
            used_bytes=scan.used_bytes if scan else None,
            max_bytes=zone.max_bytes,
            files=scan.files if scan else None,
            scanned_at=scan.at if scan else None,
            scan_seconds=scan.seconds if scan else None,
        )
        for zone in view.facts.zones
        for scan in (scans.get(zone.name),)
    )
    known = [zone.used_bytes for zone in zones if zone.used_bytes is not None]
    used = sum(known) if len(known) == len(zones) else None
    most = sum(zone.max_bytes for zone in zones)
    return Store(
        zones=zones,
        used_bytes=used,
        max_bytes=most,
        available_bytes=view.world.available_bytes,
        min_free_bytes=view.facts.min_free,
        seconds_to_full=_time_to_full(view, used, most),
    )


def _time_to_full(view: View, used: int | None, most: int) -> float | None:
    """Estimate when the cache is full, if what is fetched goes on to be stored as in the last day."""
    counting = min(_DAY, view.now - view.counted.since)
    fetched = view.counted.day.fetched_bytes
    if used is None or not fetched or counting < _SHORTEST:
        return None
    room = most - used
    left = view.world.available_bytes
    if left is not None:
        room = min(room, left - view.facts.min_free)
    return max(0, room) / (fetched / counting)


def _upstreams(view: View, states: Mapping[str, UpstreamState]) -> tuple[Upstream, ...]:
    counted, totals = view.counted, view.counted.totals
    found = []
    for one in view.facts.upstreams:
        outcomes = {
            outcome: totals.upstream_requests.get((one.name, outcome), 0) for outcome in Outcome
        }
        asked = counted.asked.get(one.name)
        error = counted.last_errors.get(one.name)
        probe = view.world.probes.get(one.name)
        text, at = (error.text, error.at) if error else (None, None)
        if probe is not None and probe.error and (at is None or at < probe.at):
            text, at = probe.error, probe.at
        found.append(
            Upstream(
                name=one.name,
                url=one.url,
                state=states[one.name],
                requests=sum(outcomes.values()),
                errors=outcomes[Outcome.ERROR] + outcomes[Outcome.TIMEOUT],
                not_found=outcomes[Outcome.NOT_FOUND],
                fetched_bytes=totals.upstream_bytes.get(one.name, 0),
                median_seconds=asked.durations.quantile(0.5) if asked else None,
                p95_seconds=asked.durations.quantile(0.95) if asked else None,
                last_asked_at=counted.asked_at.get(one.name),
                last_error=text,
                last_error_at=at,
            )
        )
    return tuple(found)


def _answers(view: View) -> tuple[Answer, ...]:
    return tuple(
        Answer(
            at=answer.at,
            kind=answer.kind,
            status=answer.status,
            cache_status=answer.cache_status,
            upstream=answer.upstream,
            sent_bytes=answer.sent_bytes,
            seconds=answer.seconds,
            path=answer.path if view.facts.status.paths else None,
        )
        for answer in reversed(view.counted.answers)
    )
