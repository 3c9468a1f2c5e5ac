"""The access log: bytes of whole lines in, a Batch out; never raises, whatever is in them.

Most lines differ from others in nothing but their path. So what stands before the path is counted
as bytes, and looked at once however often it occurs; where the path matters, or an upstream was
asked, line by line.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from passthru.spec.conflict import NEIGHBOURS
from passthru.stats.batch import LAST_ANSWERS, MOST_PATHS, Batch, LoggedAnswer, most
from passthru.stats.counting import MINUTE, Groups, count_contacts, count_groups, count_path
from passthru.stats.kind import Kind
from passthru.stats.log_line import (
    OLD_VERSION,
    REST,
    TIMED,
    Said,
    kind_of,
    read_rest,
    read_timed,
)
from passthru.stats.totals import OTHER

_MOST_CACHED: Final = 16_384
_SAMPLE_BYTES: Final = 200
_LONGEST_PATH: Final = 2_000
_WANTED: Final = frozenset({Kind.NARINFO, Kind.NAR})
_SERVED: Final = frozenset({200, 206})
_HTTP: Final = range(100, 1000)

Row = tuple[bytes, bytes, bytes]
"""A line, cut before its path: the rest, a tab, the path."""


@dataclass(frozen=True, slots=True)
class _Line:
    at: int
    said: Said
    kind: Kind
    path: bytes

    @property
    def is_request(self) -> bool:
        return self.said.contacts is None or not self.said.contacts.is_refresh


class LogParser:
    """Reads lines for one set of upstreams; what is cached between calls is bounded."""

    def __init__(self, upstreams: Iterable[str] = (), *, paths: bool = False) -> None:
        """Count other upstreams than these as OTHER; keep paths only if `paths`."""
        self._upstreams = frozenset(upstreams)
        self._shown = {None, NEIGHBOURS, *self._upstreams}
        self._paths = paths
        self._said: dict[bytes, Said] = {}
        self._times: dict[bytes, int] = {}

    def parse(self, lines: bytes) -> Batch:
        """Add up whole lines, each with its newline."""
        rows = [line.rpartition(b"\t") for line in lines.split(b"\n")]
        if not any(rows[-1]):
            rows.pop()
        batch = Batch()
        batch.totals.lines = len(rows)
        groups: Groups = {}
        singly = self._count_alike(groups, Counter([row[0] for row in rows]))
        if singly:
            for row in rows:
                if row[0] in singly:
                    self._count_one(batch, groups, row)
        count_groups(batch, groups)
        self._look_back(batch, rows)
        if self._paths:
            self._count_paths(batch, rows)
        return batch

    def _count_alike(self, groups: Groups, heads: Counter[bytes]) -> set[bytes]:
        """Count the lines that can be counted together; return how the others begin."""
        singly = set()
        for head, count in heads.items():
            said, at = self._read_head(head)
            if said is None or at is None or said.contacts is not None or said.sort.kind is None:
                singly.add(head)
                continue
            key = at // MINUTE * MINUTE, said.sort
            group = groups.get(key)
            if group is None:
                group = groups[key] = [0, 0, 0]
            group[0] += count
            group[1] += count * said.sent_bytes
            group[2] += count * said.milliseconds
        return singly

    def _count_one(self, batch: Batch, groups: Groups, row: Row) -> None:
        line = self._read(row)
        if line is None:
            text = b"".join(row)
            if not text.startswith(OLD_VERSION):
                batch.totals.unparsable_lines += 1
                batch.sample = ascii(text[:_SAMPLE_BYTES])[2:-1]
            return
        said = line.said
        if line.is_request:
            key = line.at // MINUTE * MINUTE, said.sort.of(line.kind)
            group = groups.setdefault(key, [0, 0, 0])
            group[0] += 1
            group[1] += said.sent_bytes
            group[2] += said.milliseconds
        if said.contacts is not None:
            known, asked = self._upstreams, said.contacts.asked
            count_contacts(batch, asked, at=line.at, known=known, other=OTHER)

    def _look_back(self, batch: Batch, rows: Sequence[Row]) -> None:
        """Find the last answers, and when the last line was written."""
        found: list[LoggedAnswer] = []
        for line in self._read_backwards(rows):
            if batch.totals.last_line_at is None:
                batch.totals.last_line_at = line.at
            if self._is_shown(line):
                found.append(self._answer(line))
                if len(found) == LAST_ANSWERS:
                    break
        batch.answers = found[::-1]

    def _read_backwards(self, rows: Sequence[Row]) -> Iterator[_Line]:
        for row in reversed(rows):
            line = self._read(row)
            if line is not None:
                yield line

    def _is_shown(self, line: _Line) -> bool:
        """Whether a line is of a request that was not refused."""
        of_ours = line.said.upstream is not None or line.kind is Kind.CACHE_INFO
        return of_ours and line.is_request and line.said.status in _HTTP

    def _answer(self, line: _Line) -> LoggedAnswer:
        said = line.said
        name = said.upstream
        return LoggedAnswer(
            at=line.at,
            kind=line.kind,
            status=said.status,
            cache_status=said.sort.cache_status,
            upstream=name if name in self._shown else OTHER,
            sent_bytes=said.sent_bytes,
            seconds=said.milliseconds / 1000,
            path=_shown(line.path) if self._paths else None,
        )

    def _count_paths(self, batch: Batch, rows: Sequence[Row]) -> None:
        for row in rows:
            line = self._read(row)
            if (
                line is not None
                and line.kind in _WANTED
                and line.said.status in _SERVED
                and line.said.upstream is not None
                and line.is_request
            ):
                count_path(batch.paths, _shown(line.path), line.said.sent_bytes)
        batch.paths = most(batch.paths, MOST_PATHS)

    def _read(self, row: Row) -> _Line | None:
        said, at = self._read_head(row[0])
        if said is None or at is None:
            return None
        return _Line(at, said, said.sort.kind or kind_of(row[2]), row[2])

    def _read_head(self, head: bytes) -> tuple[Said | None, int | None]:
        """Read what stands before the path; None for what cannot be read."""
        said, at = self._said.get(head[REST]), self._times.get(head[TIMED])
        try:
            if at is None:
                at = read_timed(head[TIMED])
                self._times = {} if len(self._times) > _MOST_CACHED else self._times
                self._times[head[TIMED]] = at
            if said is None:
                said = read_rest(head[REST])
                self._said = {} if len(self._said) > _MOST_CACHED else self._said
                self._said[head[REST]] = said
        except (ValueError, OverflowError):
            return None, None
        return said, at


def _shown(path: bytes) -> str:
    """Return a path as it can be printed anywhere."""
    return path[:_LONGEST_PATH].decode("ascii", "backslashreplace")
