"""Foreign text made safe to show inside one line of an error message."""

import json
from typing import Final

LONGEST: Final = 48


def excerpt(value: str | bytes) -> str:
    """Quote the start of `value` in ASCII: no newline, no escape sequence, no flood."""
    head = value[: LONGEST + 1]
    text = head if isinstance(head, str) else head.decode("utf-8", "replace")
    shown = json.dumps(text)[1:-1]
    return f'"{shown[:LONGEST]}"...' if len(shown) > LONGEST else f'"{shown}"'
