"""What was counted, kept: totals, history and the place in the log, written together or not at all."""

from pathlib import Path
from typing import Self

from passthru.stats.batch import Asked, Batch, LastError, LoggedAnswer, PathCount, Sums
from passthru.stats.history import Span, Step, empty_steps
from passthru.stats.position import Position
from passthru.stats.totals import Totals


class Ledger:
    """The counts of one instance; may be used by several threads."""

    def __init__(self, path: str) -> None:
        """Use `Ledger.open`."""
        self._path = Path(path)
        self._batch = Batch()
        self._position: Position | None = None
        self._since = 0.0
        self.fault: str | None = None
        """Why what was counted last is only in memory, for people; it is written when it can be."""

    @classmethod
    def open(cls, path: str, *, now: float) -> Self:
        """Open the file, or make it; one that is damaged is moved aside, with a line in our log.

        Raises PassthruError if another process has it, or a newer passthru made it.
        """
        ledger = cls(path)
        ledger._since = now
        return ledger

    def close(self) -> None:
        """Write what is only in memory, if that can be, and close the file."""

    @property
    def counting_since(self) -> float:
        """When the totals begin, seconds since 1970."""
        return self._since

    def totals(self) -> Totals:
        """Return what was counted so far; not to be changed."""
        return self._batch.totals

    def position(self) -> Position | None:
        """Return where to go on reading; None at the very beginning."""
        return self._position

    def add(self, batch: Batch, position: Position | None) -> None:
        """Add what was read up to `position`: in one transaction, or in memory until there is one.

        Raises nothing for what the disk does: see `fault`.
        """
        self._batch.add(batch)
        self._position = position

    def points(self, span: Span, now: float) -> tuple[Step, ...]:
        """Return the steps of a chart: oldest first, without gaps, up to the one `now` is in."""
        return tuple(
            Step(step.start, step.seconds, self._sums(step.start, step.start + step.seconds))
            for step in empty_steps(span, now)
        )

    def tally(self, since: float | None = None) -> Sums:
        """Return what happened since a moment; since counting began, without one.

        To the minute within the last two days, then to the hour, and after 60 days to the day.
        """
        return self._sums(int(since or 0), 1 << 62)

    def asked(self, since: float) -> dict[str, Asked]:
        """Return how each upstream did since a moment, at most two hours ago."""
        found: dict[str, Asked] = {}
        for (minute, name), asked in self._batch.asked_minutes.items():
            if minute + 60 > since:
                found.setdefault(name, Asked()).add(asked)
        return found

    def asked_at(self) -> dict[str, float]:
        """Return when each upstream was asked last."""
        return dict(self._batch.asked_at)

    def last_errors(self) -> dict[str, LastError]:
        """Return what each upstream did wrong last."""
        return dict(self._batch.last_errors)

    def answers(self) -> tuple[LoggedAnswer, ...]:
        """Return the last answers, oldest first."""
        return tuple(self._batch.answers)

    def wanted(self, since: float, limit: int) -> tuple[tuple[str, PathCount], ...]:
        """Return the paths asked for most since a moment, at most a day ago, the first one first."""
        del since
        found = sorted(self._batch.paths.items(), key=lambda one: -one[1].requests)
        return tuple(found[:limit])

    def _sums(self, start: int, end: int) -> Sums:
        found = Sums()
        for minute, sums in self._batch.minutes.items():
            if start <= minute < end:
                found.add(sums)
        return found
