"""Sizes: `200G` as written, bytes as meant; powers of 1024."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from passthru.spec.fault import BadValueError, WrongTypeError
from passthru.spec.kind import Kind

UNITS: Final = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}

LARGEST: Final = 1 << 60
"""1 EiB: nginx counts in signed 64 bits, and adds."""

PATTERN: Final = r"^[0-9]+ ?([KMGTkmgt]([Ii]?[Bb])?|[Bb])?$"

_SIZE: Final = re.compile(r"([0-9]{1,19}) ?(?:([KMGT])(?:I?B)?|B)?", re.IGNORECASE | re.ASCII)
_FRACTION: Final = re.compile(
    r"([0-9]{1,9}\.[0-9]{1,9}) ?([KMGT])(?:I?B)?", re.IGNORECASE | re.ASCII
)


def parse_size(text: str) -> int:
    """Return the bytes that `text` means (`200G`, `64MiB`, `1024`); raise BadValueError."""
    match = _SIZE.fullmatch(text.strip(" "))
    if match is None:
        raise BadValueError(f"{_short(text)} is not a size", _advice(text.strip(" ")))
    return check_size(int(match[1]) * UNITS[(match[2] or "").upper()])


def format_size(size: int) -> str:
    """Return the shortest text that `parse_size` turns back into `size`."""
    for unit, factor in reversed(UNITS.items()):
        if size and size % factor == 0:
            return f"{size // factor}{unit}"
    return "0"


def check_size(size: int) -> int:
    """Return `size`, in bytes; raise BadValueError when no disk could have it."""
    if size < 0:
        raise BadValueError("is below zero", 'write a size such as "200G"')
    if size > LARGEST:
        raise BadValueError("is above 1048576T", 'write a size such as "200G"')
    return size


def at_least(least: int) -> AfterValidator:
    """Return the validator that refuses sizes under `least` bytes."""

    def check(size: int) -> int:
        if size < least:
            raise BadValueError(
                f"{format_size(size)} is too small to work with",
                f'write "{format_size(least)}" or more',
            )
        return size

    return AfterValidator(check)


def _read(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise WrongTypeError('a size such as "200G"', 'write a size such as "200G"')
    return parse_size(value) if isinstance(value, str) else check_size(value)


def _advice(text: str) -> str:
    """Say what to write instead, keeping the meaning of a fraction where bytes allow it."""
    if fraction := _FRACTION.fullmatch(text):
        number, unit = fraction[1], fraction[2].upper()
        decimals = len(number) - number.index(".") - 1
        size, rest = divmod(int(number.replace(".", "")) * UNITS[unit], 10**decimals)
        if not rest:
            return f'sizes are whole numbers: write "{format_size(size)}"'
    return 'write a whole number and K, M, G or T, such as "200G"'


def _short(text: str) -> str:
    return f'"{text}"' if len(text) <= 24 and text.isprintable() else "this"  # noqa: PLR2004


Size = Annotated[
    int,
    BeforeValidator(_read),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": PATTERN},
                {"type": "integer", "minimum": 0, "maximum": LARGEST},
            ]
        }
    ),
    Kind("size"),
]
"""Bytes, written as `200G` or as a whole number of bytes."""
