"""The log read, counted and kept. One thread does all of it, so that nothing is seen half done."""

import os
import time
from collections import deque
from datetime import datetime
from pathlib import Path
from typing import Final

from passthru.stats.access_log import LogParser
from passthru.stats.facts import Facts
from passthru.stats.history import Span
from passthru.stats.ledger import Ledger
from passthru.stats.tail import Tail
from passthru.stats.totals import Totals
from passthru.stats.view import Counted, LogView, Rate

LATELY: Final = 300.0
"""Seconds of answers by which an upstream is judged."""

ROOM_BYTES: Final = 1 << 20
"""What has to be left on the disk of the log: nginx's workers write 32 KiB at once, each."""

_HOUR: Final = 3600.0
_DAY: Final = 86400.0
_RATE_SECONDS: Final = 60.0
_SAMPLES: Final = 240


class Bookkeeper:
    """Everything about one log and its ledger; not for several threads."""

    def __init__(self, facts: Facts) -> None:
        """Open the ledger; raises PassthruError if another process has it, and OSError."""
        Path(facts.ledger).parent.mkdir(parents=True, exist_ok=True)
        self.ledger = Ledger.open(facts.ledger, now=time.time())
        self._tail = Tail(facts.access_log, self.ledger.position())
        self._logs = Path(facts.access_log).parent
        self._parser = _parser(facts)
        self._told = _told(facts)
        self._behind = 0
        self._fault: str | None = None
        self._unparsable_at: float | None = None
        self._samples: deque[tuple[float, int, int, int]] = deque(maxlen=_SAMPLES)
        self._sample()

    def follow(self, facts: Facts) -> None:
        """Count for other upstreams from here on."""
        if self._told != _told(facts):
            self._parser, self._told = _parser(facts), _told(facts)

    def read(self) -> bool:
        """Count the next piece of the log, and say whether there is more already."""
        chunk = self._tail.read()
        self._behind, self._fault = chunk.behind_bytes, chunk.fault or self._no_room()
        if chunk.lines or chunk.overlong:
            batch = self._parser.parse(chunk.lines)
            batch.totals.lines += chunk.overlong
            batch.totals.unparsable_lines += chunk.overlong
            if batch.totals.unparsable_lines:
                self._unparsable_at = time.time()
            self.ledger.add(batch, chunk.position)
        self._sample()
        return bool(chunk.lines) and chunk.behind_bytes > 0

    def _no_room(self) -> str | None:
        """Say so when nginx can write no line any more, which it tells nobody (but on that disk)."""
        try:
            disk = os.statvfs(self._logs)
        except OSError:
            return None
        if disk.f_bavail * disk.f_frsize >= ROOM_BYTES:
            return None
        return f"the disk of {self._logs} is full, and what is served meanwhile is never counted"

    def log_view(self) -> LogView:
        """Return how the reading goes."""
        return LogView(
            behind_bytes=self._behind,
            fault=self._fault,
            ledger_fault=self.ledger.fault,
            unparsable_at=self._unparsable_at,
        )

    def counted(self, now: float) -> Counted:
        """Return all that was counted, as of `now`, seconds since 1970."""
        ledger = self.ledger
        midnight = datetime.fromtimestamp(now).astimezone()  # as people count days, here
        midnight = midnight.replace(hour=0, minute=0, second=0, microsecond=0)
        return Counted(
            since=ledger.counting_since,
            totals=ledger.totals(),
            asked=ledger.asked(now - _HOUR),
            asked_lately=ledger.asked(now - LATELY),
            asked_at=ledger.asked_at(),
            last_errors=ledger.last_errors(),
            answers=ledger.answers(),
            hour=ledger.tally(now - _HOUR),
            today=ledger.tally(midnight.timestamp()),
            day=ledger.tally(now - _DAY),
            total=ledger.tally(),
            points={span: ledger.points(span, now) for span in Span},
            rate=self._rate(),
        )

    def close(self) -> None:
        """Write what is left to be written."""
        self._tail.close()
        self.ledger.close()

    def _sample(self) -> None:
        """Remember what the sums are now, four times a second at most."""
        now = time.monotonic()
        if self._samples and now - self._samples[-1][0] < _RATE_SECONDS / _SAMPLES:
            self._samples.pop()
        self._samples.append((now, *_sums(self.ledger.totals())))

    def _rate(self) -> Rate:
        last = self._samples[-1]
        first = next(s for s in self._samples if last[0] - s[0] <= _RATE_SECONDS)
        seconds, requests, served, fetched = (b - a for a, b in zip(first, last, strict=True))
        return Rate(seconds, int(requests), int(served), int(fetched))


def _parser(facts: Facts) -> LogParser:
    return LogParser((one.name for one in facts.upstreams), paths=facts.status.paths)


def _told(facts: Facts) -> object:
    return tuple(one.name for one in facts.upstreams), facts.status.paths


def _sums(totals: Totals) -> tuple[int, int, int]:
    return (
        sum(totals.requests.values()),
        sum(totals.sent_bytes.values()),
        sum(totals.upstream_bytes.values()),
    )
