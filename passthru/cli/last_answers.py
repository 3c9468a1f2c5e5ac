"""What clients were last told of one path, from the end of the access log."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from passthru.stats.access_log import LogParser

if TYPE_CHECKING:
    from passthru.cli.kept import Kept
    from passthru.stats.batch import LoggedAnswer

MOST: Final = 3
"""Answers that are shown."""

_LOOK_BACK: Final = 16 << 20
"""Bytes of the log that are looked through: some hundred thousand requests."""


def find_last_answers(kept: Kept, target: str) -> tuple[LoggedAnswer, ...]:
    """Return the last answers to `target`, newest first; none where there is no log to read."""
    path = target.partition("?")[0]
    wanted = path.encode()
    lines = _tail(Path(kept.site.logs, "access.log"))
    ours = b"".join(line for line in lines if wanted in line)
    answers = LogParser(kept.order.upstreams, paths=True).parse(ours).answers
    found = [answer for answer in answers if answer.path in {path, target}]
    return tuple(found[: -MOST - 1 : -1])


def _tail(path: Path) -> list[bytes]:
    try:
        with path.open("rb") as log:
            size = os.fstat(log.fileno()).st_size
            log.seek(max(0, size - _LOOK_BACK))
            return log.read(_LOOK_BACK).splitlines(keepends=True)
    except OSError:
        return []
