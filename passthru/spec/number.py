"""Whole numbers with bounds, and claims that are true or false."""

from typing import Annotated, Final

from pydantic import AfterValidator, Strict, WithJsonSchema

from passthru.spec.fault import BadValueError
from passthru.spec.kind import Kind

HIGHEST_PORT: Final = 65535
HIGHEST_PRIORITY: Final = 1000
MOST_COPIES: Final = 65536


def _between(least: int, most: int) -> AfterValidator:
    def check(number: int) -> int:
        if not least <= number <= most:
            raise BadValueError("is out of range", f"write a number from {least} to {most}")
        return number

    return AfterValidator(check)


Port = Annotated[
    int,
    Strict(),
    _between(1, HIGHEST_PORT),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": HIGHEST_PORT}),
    Kind("port"),
]

Priority = Annotated[
    int,
    Strict(),
    _between(0, HIGHEST_PRIORITY),
    WithJsonSchema({"type": "integer", "minimum": 0, "maximum": HIGHEST_PRIORITY}),
    Kind("integer"),
]

Copies = Annotated[
    int,
    Strict(),
    _between(0, MOST_COPIES),
    WithJsonSchema({"type": "integer", "minimum": 0, "maximum": MOST_COPIES}),
    Kind("integer"),
]

Flag = Annotated[bool, Strict(), Kind("boolean")]
"""Only true and false: no "yes", no 1."""
