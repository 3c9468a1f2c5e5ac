"""nginx's own figures: the text of its stub_status module."""

import re
from dataclasses import dataclass
from typing import Final

PATH: Final = "/-/nginx"

_TEXT: Final = re.compile(
    rb"Active connections: (\d+) \nserver accepts handled requests\n (\d+) (\d+) (\d+) \n"
    rb"Reading: (\d+) Writing: (\d+) Waiting: (\d+)"
)


@dataclass(frozen=True, slots=True)
class NginxFigures:
    """Connections now, and requests since nginx started."""

    active: int
    reading: int
    writing: int
    waiting: int
    requests: int


@dataclass(frozen=True, slots=True)
class NginxView:
    """Whether nginx answers, and what it said."""

    is_up: bool
    figures: NginxFigures | None = None
    """None too when nginx was built without them."""


def parse_figures(text: bytes) -> NginxFigures | None:
    """Read the text; None if it is something else."""
    found = _TEXT.match(text)
    if found is None:
        return None
    active, _accepts, _handled, requests, reading, writing, waiting = map(int, found.groups())
    return NginxFigures(active, reading, writing, waiting, requests)
