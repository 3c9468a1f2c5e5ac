"""What was counted, kept: totals, history and the place in the log, written together or not at all."""

import threading
from heapq import nlargest
from types import TracebackType
from typing import Final, Self

from passthru.stats.batch import (
    Asked,
    Batch,
    LastError,
    LoggedAnswer,
    PathCount,
    Sums,
    add_paths,
    sums_of,
)
from passthru.stats.history import Span, Step, empty_steps
from passthru.stats.ledger_history import (
    ASKED_SECONDS,
    KEPT,
    MINUTE,
    asked_between,
    resolution,
    sum_steps,
    wanted_since,
)
from passthru.stats.ledger_store import Kept, Store
from passthru.stats.position import Position
from passthru.stats.totals import Totals

_FOREVER: Final = 1 << 62


class Ledger:
    """The counts of one instance; may be used by several threads.

    What could not be written is kept and written with what comes next. A process that is killed
    meanwhile finds the old position, and reads the same lines again.
    """

    def __init__(self, store: Store, kept: Kept) -> None:
        """Use `Ledger.open`."""
        self._lock = threading.RLock()
        self._store = store
        self._kept = kept
        self._pending = Batch()
        """What is not written yet."""

    @classmethod
    def open(cls, path: str, *, now: float) -> Self:
        """Open the file, or make it; one that is damaged is moved aside, with a line in our log.

        Raises PassthruError if another process has it, a newer passthru made it, or it is there and
        cannot be read.
        """
        kept = Kept(since=now)
        return cls(Store.open(path, kept), kept)

    def close(self) -> None:
        """Write what is only in memory, if that can be, and close the file."""
        with self._lock:
            if self._pending.totals.lines:
                self._write()
            self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def fault(self) -> str | None:
        """Why what was counted last is only in memory, for people; None when all is written."""
        return self._store.fault

    @property
    def counting_since(self) -> float:
        """When the totals begin, seconds since 1970."""
        return self._kept.since

    def position(self) -> Position | None:
        """Return where to go on reading; None at the very beginning."""
        return self._kept.position

    def add(self, batch: Batch, position: Position | None) -> None:
        """Add what was read up to `position`: in one transaction, or in memory until there is one.

        Raises nothing for what the disk does: see `fault`.
        """
        with self._lock:
            kept = self._kept.batch
            kept.add(batch)
            kept.minutes, kept.asked_minutes, kept.paths = {}, {}, {}
            self._pending.add(batch)
            self._kept.position = position
            self._write()

    def totals(self) -> Totals:
        """Return what was counted so far, as a copy."""
        with self._lock:
            return self._kept.batch.totals.copy()

    def tally(self, since: float | None = None) -> Sums:
        """Return what happened since a moment; since counting began, without one.

        To the minute within the last two days, to the quarter of an hour within eight, to the hour
        within sixty, then to the day. Lines that are dated later than now are in it.
        """
        with self._lock:
            length = None if since is None else self._resolution(since)
            if since is None or length is None:
                return sums_of(self._kept.batch.totals)
            total = Sums()
            for sums in self._steps(length, int(since) // length * length, _FOREVER).values():
                total.add(sums)
            return total

    def points(self, span: Span, now: float) -> tuple[Step, ...]:
        """Return the steps of a chart: oldest first, without gaps, up to the one `now` is in."""
        steps = empty_steps(span, now)
        length = steps[0].seconds
        with self._lock:
            found = self._steps(length, steps[0].start, steps[-1].start + length)
        return tuple(Step(one.start, length, found.get(one.start, Sums())) for one in steps)

    def asked(self, since: float) -> dict[str, Asked]:
        """Return how each upstream did in the two hours from a moment on; older ones are not kept."""
        until = since + ASKED_SECONDS
        nothing: dict[str, Asked] = {}
        with self._lock:
            found = self._store.ask(lambda it: asked_between(it, since, until), nothing)
            for (minute, name), asked in self._pending.asked_minutes.items():
                if since - MINUTE < minute < until:
                    found.setdefault(name, Asked()).add(asked)
        return found

    def asked_at(self) -> dict[str, float]:
        """Return when each upstream was asked last."""
        with self._lock:
            return dict(self._kept.batch.asked_at)

    def last_errors(self) -> dict[str, LastError]:
        """Return what each upstream did wrong last."""
        with self._lock:
            return dict(self._kept.batch.last_errors)

    def answers(self) -> tuple[LoggedAnswer, ...]:
        """Return the last answers, oldest first."""
        with self._lock:
            return tuple(self._kept.batch.answers)

    def sample(self) -> str | None:
        """Return the last line that could not be read, escaped and cut."""
        return self._kept.batch.sample

    def wanted(self, since: float, limit: int) -> tuple[tuple[str, PathCount], ...]:
        """Return the paths asked for most since the hour of a moment, at most a day ago.

        The first one first; estimates, as only the few hundred most wanted of an hour are kept.
        """
        nothing: dict[str, PathCount] = {}
        with self._lock:
            found = self._store.ask(lambda it: wanted_since(it, since), nothing)
            add_paths(found, self._pending.paths)
        return tuple(nlargest(limit, found.items(), key=lambda one: one[1].requests))

    def _resolution(self, since: float) -> int | None:
        minutes: int | None = MINUTE
        return self._store.ask(lambda it: resolution(it, since), minutes)

    def _steps(self, step: int, start: int, end: int) -> dict[int, Sums]:
        """Return what happened in a time, written or not, by steps."""
        length = max(one for one in KEPT if step % one == 0)
        nothing: dict[int, Sums] = {}
        found = self._store.ask(
            lambda it: sum_steps(it, seconds=length, step=step, start=start, end=end), nothing
        )
        for minute, sums in self._pending.minutes.items():
            if start <= minute < end:
                found.setdefault(minute // step * step, Sums()).add(sums)
        return found

    def _write(self) -> None:
        if self._store.write(self._pending, self._kept):
            self._pending = Batch()
