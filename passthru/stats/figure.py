"""Figures as nginx writes them: digits, and nothing that Python would bear besides."""

from datetime import datetime
from typing import Final

_LONGEST: Final = 15
"""Digits: what is counted for ever must stay far from 64 bits."""

_DECIMALS: Final = 3
_TIME: Final = len("2000-01-01T00:00:00+00:00")


def read_count(text: bytes) -> int:
    """Read a whole number; raises ValueError."""
    if not text.isdigit() or len(text) > _LONGEST:
        raise ValueError("not a count")
    return int(text)


def read_milliseconds(text: bytes) -> int:
    """Read seconds with three decimals; raises ValueError."""
    whole, dot, decimals = text.partition(b".")
    if dot and len(decimals) != _DECIMALS:
        raise ValueError("not a time in milliseconds")
    return read_count(whole + decimals) if dot else read_count(whole) * 1000


def read_time(text: bytes) -> int:
    """Read ISO 8601 with an offset, to the second, as seconds since 1970; raises ValueError."""
    if len(text) != _TIME:
        raise ValueError("not a time")
    moment = datetime.fromisoformat(text.decode("ascii"))
    if moment.tzinfo is None:
        raise ValueError("not a time with an offset")
    seconds = int(moment.timestamp())
    if seconds < 0:
        raise ValueError("before 1970")
    return seconds
