"""The access log: bytes of whole lines in, a Batch out; never raises, whatever is in them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from passthru.stats.batch import LAST_ANSWERS, Batch, LoggedAnswer, Sums
from passthru.stats.durations import Durations
from passthru.stats.kind import FROM_CACHE, CacheStatus, Kind
from passthru.stats.totals import CODES, OTHER

VERSION: Final = 2
"""The first field of each line that nginx writes."""

_FIELDS: Final = 10
_SERVER_ERROR: Final = 500


class LogParser:
    """Reads lines for one set of upstreams; what is cached between calls is bounded."""

    def __init__(self, upstreams: Iterable[str] = (), *, paths: bool = False) -> None:
        """Count other upstreams than these as OTHER; keep paths only if `paths`."""
        self._upstreams = frozenset(upstreams)
        self._paths = paths

    def parse(self, lines: bytes) -> Batch:
        """Add up whole lines, each with its newline."""
        batch = Batch()
        for line in lines.splitlines():
            batch.totals.lines += 1
            try:
                self._count(batch, line)
            except (ValueError, IndexError):
                batch.totals.unparsable_lines += 1
                batch.sample = ascii(line[:200])
        return batch

    def _count(self, batch: Batch, line: bytes) -> None:
        fields = line.decode("ascii", "replace").split("\t")
        if len(fields) != _FIELDS or fields[0] != str(VERSION):
            raise ValueError
        _, when, _, status, cache, upstream, seconds, sent, _, path = fields
        at = datetime.fromisoformat(when).timestamp()
        found = CacheStatus.NONE if cache == "-" else CacheStatus(cache.lower())
        kind = Kind.NARINFO if path.endswith(".narinfo") else Kind.OTHER
        took, size = float(seconds), int(sent)
        totals = batch.totals
        totals.requests[kind, found] = totals.requests.get((kind, found), 0) + 1
        totals.sent_bytes[kind, found] = totals.sent_bytes.get((kind, found), 0) + size
        code = status if status in CODES else OTHER
        totals.responses[kind, code] = totals.responses.get((kind, code), 0) + 1
        totals.durations.setdefault(kind, Durations()).count(took)
        totals.last_line_at = at
        batch.minutes.setdefault(int(at) // 60 * 60, Sums()).add(
            Sums(
                1,
                found in FROM_CACHE,
                found is not CacheStatus.NONE,
                int(status) >= _SERVER_ERROR,
                size,
            )
        )
        asked = None if upstream == "-" else upstream if upstream in self._upstreams else OTHER
        shown = path if self._paths else None
        batch.answers = [
            *batch.answers,
            LoggedAnswer(at, kind, int(status), found, asked, size, took, shown),
        ][-LAST_ANSWERS:]
