"""Durations as they are written."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passthru.spec.duration import LONGEST, format_duration, parse_duration
from passthru.spec.fault import BadValueError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30", 30),
        ("30s", 30),
        ("5m", 300),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        ("1d", 86400),
        ("2w", 14 * 86400),
        ("1y", 365 * 86400),
        ("1y2w3d4h5m6s", 365 * 86400 + 17 * 86400 + 4 * 3600 + 306),
        ("100y", LONGEST),
        (" 30d ", 30 * 86400),
    ],
)
def test_durations_are_read(text: str, seconds: int) -> None:
    """Each unit stands once, the largest first; no unit is seconds."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "d", "30 days", "30D", "1M", "30m1h", "1h1h", "1.5h", "-1s", "500ms", "1h-30m", "٣d", "∞"],
)
def test_other_text_is_no_duration(text: str) -> None:
    """What is not whole numbers with units is refused with an example."""
    with pytest.raises(BadValueError, match="is not a duration") as caught:
        parse_duration(text)
    assert caught.value.hint
    assert '"1h30m"' in caught.value.hint


def test_durations_beyond_a_century_are_refused() -> None:
    """The longest duration is a century."""
    with pytest.raises(BadValueError, match="longer than 100 years"):
        parse_duration(f"{LONGEST + 1}s")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (60, "1m"), (5400, "1h30m"), (365 * 86400, "365d")]
)
def test_durations_are_formatted(seconds: int, text: str) -> None:
    """Days are the largest unit, as in the documentation."""
    assert format_duration(seconds) == text


@settings(deadline=None)
@given(st.integers(0, LONGEST))
def test_formatted_durations_read_back(seconds: int) -> None:
    """Formatting loses nothing."""
    assert parse_duration(format_duration(seconds)) == seconds


@settings(deadline=None)
@given(st.text(alphabet="0123456789ywdhms .-", max_size=20) | st.text(max_size=20))
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    """No text makes anything but a duration within bounds or a BadValueError."""
    try:
        seconds = parse_duration(text)
    except BadValueError as error:
        assert error.hint  # noqa: PT017 (both outcomes are right)
    else:
        assert 0 <= seconds <= LONGEST
