"""Histograms: where a duration falls, and what is estimated from where they fell."""

import pytest

from passthru.stats.durations import BUCKETS, Durations, bucket_of


def histogram(*milliseconds: int) -> Durations:
    """Return a histogram of these."""
    found = Durations()
    for one in milliseconds:
        found.count(one)
    return found


@pytest.mark.parametrize(
    ("milliseconds", "bucket"),
    [(0, 0), (5, 0), (6, 1), (300_000, len(BUCKETS) - 1), (300_001, len(BUCKETS))],
)
def test_a_bound_belongs_to_its_bucket(milliseconds: int, bucket: int) -> None:
    """As in Prometheus, a bucket holds what is less than its bound or equal to it."""
    assert bucket_of(milliseconds) == bucket


def test_histograms_add_up() -> None:
    """Two, added, are the one of both."""
    both = histogram(1, 20)
    both.add(histogram(20, 999_000))

    assert both == histogram(1, 20, 20, 999_000)
    assert both.total == 4
    assert both.seconds == 999.041


@pytest.mark.parametrize(
    ("durations", "share", "estimate"),
    [
        (Durations(), 0.5, None),
        (histogram(3), 1.0, 0.005),
        (histogram(*[30] * 10), 0.5, 0.0375),
        (histogram(*[30] * 9, 9_000), 0.95, 7.5),
        (histogram(400_000), 0.5, 300.0),
    ],
    ids=["none", "one", "in the middle", "the slowest", "past all"],
)
def test_quantiles_are_estimated(
    durations: Durations, share: float, estimate: float | None
) -> None:
    """Within a bucket durations are taken to be evenly spread; past the last one it is its bound."""
    assert durations.quantile(share) == (None if estimate is None else pytest.approx(estimate))
