"""Texts and addresses that strangers chose, made fit to be shown; pure.

They stay text: whoever shows them still escapes them.
"""

import unicodedata
from typing import Final
from urllib.parse import urlsplit

LONGEST: Final = 200
"""Characters of a stranger's text that are shown."""

LONGEST_URL: Final = 300

_UNSEEN: Final = frozenset({"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"})
"""Categories of characters that hide, reverse or command: controls, bidi marks, private use."""

_MARKS: Final = frozenset({"Mn", "Me"})
_MOST_MARKS: Final = 2


def plain(text: str, longest: int = LONGEST) -> str:
    """Return a stranger's text on one line, bounded, with nothing in it that hides or reverses."""
    shown: list[str] = []
    marks = 0
    for character in text[: 4 * longest]:
        category = unicodedata.category(character)
        marks = marks + 1 if category in _MARKS else 0
        if marks > _MOST_MARKS:
            continue
        if category == "Zs":
            shown.append(" ")
        elif category in _UNSEEN:
            shown.append("\ufffd")
        else:
            shown.append(character)
    cleaned = "".join(shown)
    if len(cleaned) <= longest and len(text) <= 4 * longest:
        return cleaned
    return cleaned[: longest - 1] + "…"


def safe_link(url: str) -> str | None:
    """Return a URL that may be followed from a page, or None: http, with a host, nobody's mask."""
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable():
        return None
    if set(url) & set(" \"'<>\\^`{|}"):
        return None
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises on a port that is none
    except ValueError:
        return None
    is_followed = parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc
    return url if is_followed else None
