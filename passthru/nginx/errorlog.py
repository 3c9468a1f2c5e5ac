"""Nginx's own words: the lines of its error log, and of what it prints, that say no."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_MOST_BYTES: Final = 65536
_MOST_LINES: Final = 20
_LONGEST_LINE: Final = 500

# "2026/01/31 12:00:00 [emerg] 12#12: *3 text" in the log, "nginx: [emerg] text" on stderr
_COMPLAINT: Final = re.compile(
    r"^(?:nginx:|\S+ \S+) \[(emerg|alert|crit|error)\] (?:\d+#\d+: )?(?:\*\d+ )?(.+)$"
)
_FATAL: Final = frozenset({"emerg", "alert", "crit"})


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a log: what is after it is new."""

    inode: int
    offset: int


def mark_end(path: str) -> Mark:
    """Remember where the log at `path` ends now; a log that does not exist ends at 0."""
    try:
        found = Path(path).stat()
    except OSError:
        return Mark(inode=0, offset=0)
    return Mark(inode=found.st_ino, offset=found.st_size)


def complaints_since(path: str, mark: Mark) -> tuple[str, ...]:
    """Return the complaints that came into the log after `mark`, without repeats."""
    try:
        with Path(path).open("rb") as log:
            found = os.fstat(log.fileno())
            same = found.st_ino == mark.inode and found.st_size >= mark.offset
            start = mark.offset if same else 0
            log.seek(max(start, found.st_size - _MOST_BYTES))
            text = log.read(_MOST_BYTES).decode(errors="replace")
    except OSError:
        return ()
    return complaints(text)


def complaints(text: str) -> tuple[str, ...]:
    """Return the complaints in `text` as `[emerg] …`, each once, the newest 20.

    [error] lines are the daily troubles of requests: they count only where nothing worse is said.
    """
    found = dict.fromkeys(_matches(text))
    fatal = [(level, words) for level, words in found if level in _FATAL]
    lines = [f"[{level}] {words}"[:_LONGEST_LINE] for level, words in fatal or found]
    return tuple(lines[-_MOST_LINES:])


def _matches(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        found = _COMPLAINT.match(line)
        if found is not None:
            yield found[1], found[2]
