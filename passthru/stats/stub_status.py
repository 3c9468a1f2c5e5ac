"""nginx's own figures: the text of its stub_status module."""

import re
from dataclasses import dataclass
from typing import Final

from passthru.stats.asking import ask

PATH: Final = "/-/nginx"
_SECONDS: Final = 1.0

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


async def look_at_nginx(socket: str) -> NginxView:
    """Ask nginx for its figures."""
    answer = await ask(socket, PATH, timeout=_SECONDS)
    if answer is None:
        return NginxView(is_up=False)
    return NginxView(is_up=True, figures=parse_figures(answer.body))
