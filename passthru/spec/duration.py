"""Durations: `30d` or `1h30m` as written, seconds as meant."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from passthru.spec.fault import BadValueError, WrongTypeError
from passthru.spec.kind import Kind

UNITS: Final = {"y": 365 * 86400, "w": 7 * 86400, "d": 86400, "h": 3600, "m": 60, "s": 1}

LONGEST: Final = 100 * UNITS["y"]
"""A century: beyond every use, and far from where nginx's times overflow."""

PATTERN: Final = (
    r"^(?=[0-9])(([0-9]+y)? ?([0-9]+w)? ?([0-9]+d)? ?([0-9]+h)? ?([0-9]+m)? ?([0-9]+s)?|[0-9]+)$"
)

_ADVICE: Final = 'write whole numbers with y, w, d, h, m or s, such as "30d" or "1h30m"'
_PLAIN: Final = re.compile(r"[0-9]{1,12}", re.ASCII)
_PARTS: Final = re.compile(" ?".join(rf"(?:([0-9]{{1,12}}){unit})?" for unit in UNITS), re.ASCII)


def parse_duration(text: str) -> int:
    """Return the seconds that `text` means (`30d`, `1h30m`, `90`); raise BadValueError."""
    text = text.strip(" ")
    if _PLAIN.fullmatch(text):
        return check_duration(int(text))
    match = _PARTS.fullmatch(text)
    if not text or match is None:
        raise BadValueError(f"{_short(text)} is not a duration", _ADVICE)
    numbers = zip(match.groups(), UNITS.values(), strict=True)
    return check_duration(sum(int(number) * unit for number, unit in numbers if number))


def format_duration(seconds: int) -> str:
    """Return the text that `parse_duration` turns back into `seconds`; days are its largest unit."""
    parts = []
    for unit in "dhms":
        number, seconds = divmod(seconds, UNITS[unit])
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts) or "0s"


def check_duration(seconds: int) -> int:
    """Return `seconds`; raise BadValueError when it is below zero or above a century."""
    if seconds < 0:
        raise BadValueError("is below zero", _ADVICE)
    if seconds > LONGEST:
        raise BadValueError("is longer than 100 years", "write 100y or less")
    return seconds


def between(least: int, most: int) -> AfterValidator:
    """Return the validator that refuses durations out of these bounds, in seconds."""

    def check(seconds: int) -> int:
        if seconds < least:
            raise BadValueError(
                f"{format_duration(seconds)} is too short",
                f'write "{format_duration(least)}" or more',
            )
        if seconds > most:
            raise BadValueError(
                f"{format_duration(seconds)} is too long",
                f'write "{format_duration(most)}" or less',
            )
        return seconds

    return AfterValidator(check)


def _read(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise WrongTypeError('a duration such as "30d"', 'write a duration such as "30d"')
    return parse_duration(value) if isinstance(value, str) else check_duration(value)


def _short(text: str) -> str:
    return f'"{text}"' if len(text) <= 24 and text.isprintable() else "this"  # noqa: PLR2004


Duration = Annotated[
    int,
    BeforeValidator(_read),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": PATTERN},
                {"type": "integer", "minimum": 1, "maximum": LONGEST},
            ]
        }
    ),
    Kind("duration"),
]
"""Seconds, written as `30d`, `1h30m` or a whole number of seconds."""
