"""What the options before the command say, for the commands and for whoever prints their errors."""

import os
from dataclasses import dataclass


@dataclass(slots=True)
class Settings:
    """The choices of one run of the command line."""

    debug: bool = False
    """Show tracebacks."""

    json: bool = False
    """The command reports in JSON, so its errors are JSON too."""

    color: bool | None = None
    """Colour always, never, or (None) where the stream is a terminal."""


def choose_color(wish: str) -> bool | None:
    """Turn `--color` and the environment (NO_COLOR, TERM=dumb) into click's three values."""
    match wish:
        case "always":
            return True
        case "never":
            return False
    return False if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" else None
