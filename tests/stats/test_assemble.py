"""From what is known to what is shown."""

from dataclasses import replace

import pytest

from passthru.stats.assemble import take_snapshot
from passthru.stats.batch import Asked, LastError, LoggedAnswer, Sums
from passthru.stats.durations import Durations
from passthru.stats.kind import CacheStatus, Kind, Outcome
from passthru.stats.probe import Probe
from passthru.stats.snapshot import UpstreamState
from passthru.stats.totals import Totals
from passthru.stats.upstream_state import judge
from passthru.stats.view import Rate
from passthru.stats.zone_scan import ZoneScan
from tests.stats.views import FACTS, GIB, NOW, WORLD, view

PROBE = Probe(NOW, None, 0.1)
DEAD = Probe(NOW, "no connection", None)


def asked(requests: int, errors: int) -> Asked:
    """Return how an upstream did."""
    return Asked(requests, errors, Durations())


@pytest.mark.parametrize(
    ("seen", "probe", "state"),
    [
        (None, None, UpstreamState.UNKNOWN),
        (asked(0, 0), None, UpstreamState.UNKNOWN),
        (asked(100, 0), None, UpstreamState.WELL),
        (asked(100, 4), None, UpstreamState.WELL),
        (asked(100, 5), None, UpstreamState.FAILING),
        (asked(100, 99), None, UpstreamState.FAILING),
        (asked(1, 1), None, UpstreamState.DOWN),
        (None, PROBE, UpstreamState.WELL),
        (None, DEAD, UpstreamState.DOWN),
        (asked(10, 0), DEAD, UpstreamState.WELL),
    ],
)
def test_how_an_upstream_is(seen: Asked | None, probe: Probe | None, state: UpstreamState) -> None:
    """Clients' requests decide, and a probe only where there were none."""
    assert judge(seen, probe) is state


def test_an_empty_instance_can_be_shown() -> None:
    """Right after the installation all is 0 or null, and every list has its length."""
    shown = take_snapshot(view())

    assert shown.tallies.total.hit_ratio is None
    assert shown.store.used_bytes is None
    assert (len(shown.charts.hour), len(shown.charts.day), len(shown.charts.month)) == (60, 96, 120)
    assert [upstream.state for upstream in shown.upstreams] == [UpstreamState.UNKNOWN] * 2
    assert shown.wanted is None


def test_ratios_are_of_what_they_say() -> None:
    """Hits are of what was looked up, saved bytes of what was served, and never below 0."""
    good = Sums(
        requests=10, hits=6, cacheable_requests=8, errors=1, served_bytes=100, fetched_bytes=25
    )
    bad = replace(good, served_bytes=10)
    shown = take_snapshot(view(total=good, hour=bad))

    total = shown.tallies.total
    assert (total.hit_ratio, total.byte_hit_ratio, total.saved_bytes) == (0.75, 0.75, 75)
    assert (shown.tallies.hour.saved_bytes, shown.tallies.hour.byte_hit_ratio) == (0, 0)


def test_own_answers_alone_make_no_ratio() -> None:
    """A client that has asked for nix-cache-info and nothing else has hit nothing yet."""
    shown = take_snapshot(view(total=Sums(requests=2, served_bytes=102)))

    assert shown.tallies.total.byte_hit_ratio is None


def test_an_upstream_in_figures() -> None:
    """Counts are of all time, latencies of the last hour, and the newest error is told."""
    durations = Durations()
    durations.count(20)
    totals = Totals(
        upstream_requests={
            ("nixos", Outcome.OK): 5,
            ("nixos", Outcome.NOT_FOUND): 4,
            ("nixos", Outcome.ERROR): 3,
            ("nixos", Outcome.TIMEOUT): 2,
        },
        upstream_bytes={"nixos": 1234},
    )
    shown = take_snapshot(
        view(
            totals=totals,
            asked={"nixos": Asked(14, 5, durations)},
            asked_at={"nixos": NOW - 9},
            last_errors={"nixos": LastError(NOW - 10, "answered 503")},
            world=replace(WORLD, probes={"nixos": DEAD}),
        )
    ).upstreams[0]

    assert (shown.requests, shown.errors, shown.not_found) == (14, 5, 4)
    assert shown.fetched_bytes == 1234
    assert shown.median_seconds is not None
    assert 0.01 < shown.median_seconds < 0.025
    assert (shown.last_error, shown.last_error_at) == ("no connection", NOW)
    assert shown.last_asked_at == NOW - 9


def test_the_store_is_the_sum_of_its_zones() -> None:
    """Used is known when all zones were walked; time to full is at the last day's rate."""
    one = {"nar": ZoneScan(9 * GIB, 3, NOW, 1.0)}
    both = {**one, "metadata": ZoneScan(GIB, 30, NOW, 1.0)}
    day = Sums(fetched_bytes=10 * GIB)

    half = take_snapshot(view(world=replace(WORLD, scans=one), day=day)).store
    whole = take_snapshot(
        view(world=replace(WORLD, scans=both, available_bytes=1000 * GIB), day=day)
    ).store
    tight = take_snapshot(
        view(world=replace(WORLD, scans=both, available_bytes=15 * GIB), day=day)
    ).store

    assert (half.used_bytes, half.seconds_to_full) == (None, None)
    assert (whole.used_bytes, whole.max_bytes) == (10 * GIB, 100 * GIB)
    assert whole.seconds_to_full == pytest.approx(9 * 86400)
    assert tight.seconds_to_full == pytest.approx(86400)


def test_rates_are_by_the_second() -> None:
    """Right after a start, one request is not a thousand a second."""
    early = take_snapshot(view(rate=Rate(0.01, 10, 0, 0))).rates
    later = take_snapshot(view(rate=Rate(60.0, 600, 6000, 60))).rates

    assert early.requests_per_second == 10
    assert later.requests_per_second == 10
    assert (later.served_bytes_per_second, later.fetched_bytes_per_second) == (100, 1)


def test_paths_are_shown_only_when_wanted() -> None:
    """The newest answer is first, and its path is nobody's business by default."""
    answers = tuple(
        LoggedAnswer(NOW + n, Kind.NAR, 200, CacheStatus.HIT, None, 1, 0.1, f"/nar/{n}")
        for n in range(2)
    )
    status = FACTS.status.model_copy(update={"paths": True})
    open_facts = FACTS.model_copy(update={"status": status})

    assert [a.path for a in take_snapshot(view(answers=answers)).answers] == [None, None]
    shown = take_snapshot(view(answers=answers, facts=open_facts)).answers
    assert [answer.path for answer in shown] == ["/nar/1", "/nar/0"]
