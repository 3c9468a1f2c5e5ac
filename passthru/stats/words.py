"""Figures as people read them; pure. Spaces in them are plain ones."""

from datetime import datetime, tzinfo
from typing import Final

NOTHING: Final = "\u2013"
"""What stands where nothing is known."""

_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_STEP: Final = 1024
_TEN: Final = 10
_THOUSAND: Final = 1000

_SPANS: Final = (
    ("year", 365 * 86400),
    ("month", 30 * 86400),
    ("week", 7 * 86400),
    ("day", 86400),
    ("hour", 3600),
    ("minute", 60),
    ("second", 1),
)
_ENOUGH: Final = 2
"""How many of a unit there must be to speak in it: 36 hours, not a day."""


def format_bytes(size: float) -> str:
    """Return bytes as `41.2 GiB` or `5 GiB`: three digits at most, by powers of 1024."""
    value, unit = split_bytes(size)
    return f"{value} {unit}"


def split_bytes(size: float) -> tuple[str, str]:
    """Return the number and the unit of `format_bytes`."""
    value, place = float(size), 0
    while place + 1 < len(_UNITS) and round(value) >= _THOUSAND:
        value /= _STEP
        place += 1
    if place == 0:
        return f"{value:.0f}", _UNITS[0]
    return _three_digits(value), _UNITS[place]


def format_rate(rate: float) -> str:
    """Return bytes a second as `41.2 MiB/s`."""
    return f"{format_bytes(rate)}/s"


def format_count(count: float) -> str:
    """Return a whole number, with spaces between its thousands."""
    return f"{round(count):,}".replace(",", " ")


def format_frequency(rate: float) -> str:
    """Return requests a second: whole where there are many, with a decimal where there are few."""
    return f"{rate:.1f}" if 0 < rate < _TEN else format_count(rate)


def format_percent(ratio: float | None) -> str:
    """Return a ratio as `93 %`; what is not quite all, or not quite nothing, never reads as such."""
    if ratio is None:
        return NOTHING
    percent = ratio * 100
    if 0 < percent < 1:
        return "< 1 %"
    if 99 < percent < 100:  # noqa: PLR2004
        return f"{min(percent, 99.9):.1f} %"
    return f"{percent:.0f} %"


def format_latency(seconds: float | None) -> str:
    """Return how long an answer took: `0.4 ms`, `83 ms`, `1.2 s`, `2 minutes`."""
    if seconds is None:
        return NOTHING
    if seconds >= 100:  # noqa: PLR2004
        return format_duration(seconds)
    if seconds >= 1:
        return f"{_three_digits(seconds)} s"
    milliseconds = seconds * 1000
    if milliseconds >= _TEN:
        return f"{milliseconds:.0f} ms"
    return f"{milliseconds:.1f} ms"


def format_duration(seconds: float) -> str:
    """Return a duration in one unit, the largest there are two of: `36 hours`, `12 days`."""
    for unit, length in _SPANS:
        count = int(seconds // length)
        if count >= _ENOUGH:
            return f"{format_count(count)} {unit}s"
    return f"{max(0, int(seconds))} second{'' if int(seconds) == 1 else 's'}"


def format_clock(moment: float, zone: tzinfo | None = None) -> str:
    """Return the time of day, to the second; local time where no zone is given."""
    return _at(moment, zone).strftime("%H:%M:%S")


def format_date(moment: float, zone: tzinfo | None = None) -> str:
    """Return a day as `2 March 2026`."""
    at = _at(moment, zone)
    return f"{at.day} {at:%B %Y}"


def format_moment(moment: float, zone: tzinfo | None = None) -> str:
    """Return a moment as ISO 8601, with its offset: what `<time>` takes."""
    return _at(moment, zone).isoformat(timespec="seconds")


def _three_digits(value: float) -> str:
    if round(value, 1) >= 100 or value == int(value):  # noqa: PLR2004
        return f"{value:.0f}"
    return f"{value:.1f}"


def _at(moment: float, zone: tzinfo | None) -> datetime:
    if zone is None:
        return datetime.fromtimestamp(moment).astimezone()
    return datetime.fromtimestamp(moment, zone)
