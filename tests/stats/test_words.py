"""Figures as people read them."""

from datetime import UTC

import pytest

from passthru.stats import words
from tests.stats.snapshots import GIB, KIB, MIB, NOW, PIB, TIB


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1, "1 B"),
        (999, "999 B"),
        (1000, "1.0 KiB"),
        (KIB, "1 KiB"),
        (1536, "1.5 KiB"),
        (41.26 * GIB, "41.3 GiB"),
        (99.96 * MIB, "100 MiB"),
        (999.4 * MIB, "999 MiB"),
        (999.6 * MIB, "1.0 GiB"),
        (200 * GIB, "200 GiB"),
        (5 * TIB, "5 TiB"),
        (999 * PIB, "999 PiB"),
        (1 << 63, "8 EiB"),
        (5000 * (1 << 60), "5000 EiB"),
    ],
)
def test_bytes_have_three_digits(size: float, text: str) -> None:
    """A number never grows past three digits but in the last unit, and whole ones are whole."""
    assert words.format_bytes(size) == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (None, words.NOTHING),
        (0, "0 %"),
        (0.0004, "< 1 %"),
        (0.914, "91 %"),
        (0.9934, "99.3 %"),
        (0.99999, "99.9 %"),
        (1, "100 %"),
    ],
)
def test_almost_is_not_all(ratio: float | None, text: str) -> None:
    """Only everything is 100 %, and only nothing is 0 %."""
    assert words.format_percent(ratio) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, words.NOTHING),
        (0.0004, "0.4 ms"),
        (0.0832, "83 ms"),
        (1.25, "1.2 s"),
        (61, "61 s"),
        (7261, "2 hours"),
    ],
)
def test_latency_keeps_two_digits(seconds: float | None, text: str) -> None:
    """From parts of a millisecond to hours."""
    assert words.format_latency(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 seconds"),
        (1.9, "1 second"),
        (119, "119 seconds"),
        (120, "2 minutes"),
        (36 * 3600, "36 hours"),
        (12 * 86400, "12 days"),
        (45 * 86400, "6 weeks"),
        (99 * 365 * 86400, "99 years"),
    ],
)
def test_durations_are_in_one_unit(seconds: float, text: str) -> None:
    """The largest that there are two of; a clock set back gives nothing below zero."""
    assert words.format_duration(seconds) == text


def test_counts_and_frequencies() -> None:
    """Thousands are set apart, and a little is told from nothing."""
    assert words.format_count(1_204_117) == "1 204 117"
    assert words.format_frequency(0) == "0"
    assert words.format_frequency(0.34) == "0.3"
    assert words.format_frequency(2_999_999.9) == "3 000 000"


def test_moments() -> None:
    """A clock, a day, and what `<time>` takes."""
    assert words.format_clock(NOW, UTC) == "14:03:22"
    assert words.format_date(NOW, UTC) == "2 March 2026"
    assert words.format_moment(NOW, UTC) == "2026-03-02T14:03:22+00:00"
    assert len(words.format_moment(NOW)) == len("2026-03-02T14:03:22+00:00")
