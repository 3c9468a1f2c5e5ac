"""The file behind a ledger: there, or not yet, or not any more."""

import logging
import os
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self, TypeVar

from passthru.errors import PassthruError
from passthru.stats import ledger_file, ledger_rows
from passthru.stats.batch import Batch
from passthru.stats.ledger_history import HOUR, add_asked, add_steps, add_wanted, prune
from passthru.stats.ledger_schema import version_of
from passthru.stats.position import Position

_SAVE: Final = (
    "INSERT INTO kept VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
_COUNT: Final = (
    "INSERT INTO counters VALUES (?, ?, ?, ?)"
    " ON CONFLICT (name, first, second) DO UPDATE SET value = value + excluded.value"
)

T = TypeVar("T")

logger: Final = logging.getLogger(__name__)


@dataclass(slots=True)
class Kept:
    """What is known without asking the file again: no history."""

    since: float
    """When counting began."""

    batch: Batch = field(default_factory=Batch)
    """The totals, and what was last."""

    position: Position | None = None


class Store:
    """One file, and the lock on its directory."""

    def __init__(self, path: str) -> None:
        """Use `Store.open`."""
        self._path = Path(path)
        self._held: int | None = None
        self._database: sqlite3.Connection | None = None
        self._pruned: int | None = None
        """The minute in which old rows were dropped last."""
        self.fault: str | None = None
        """What the disk does not let us do, for people."""

    @classmethod
    def open(cls, path: str, kept: Kept) -> Self:
        """Open the file, or make it, and let `kept` be what it has.

        Raises PassthruError if another process has it, a newer passthru made it, or it is there and
        cannot be read.
        """
        store = cls(path)
        try:
            store._held = ledger_file.lock_directory(store._path)
            store._open(kept)
        except (OSError, sqlite3.Error) as fault:
            store.close()
            raise _unusable(store._path, fault) from fault
        except BaseException:
            store.close()
            raise
        return store

    def close(self) -> None:
        """Let go of the file, for others to open it."""
        if self._database is not None:
            self._database.close()
        if self._held is not None:
            os.close(self._held)
        self._database = self._held = None

    def ask(self, question: Callable[[sqlite3.Connection], T], nothing: T) -> T:
        """Return what the file answers, or `nothing` if it cannot be asked."""
        if self._database is None:
            return nothing
        try:
            return question(self._database)
        except (sqlite3.Error, ValueError) as fault:
            self.fault = f"cannot read {self._path}: {fault}"
            return nothing

    def write(self, pending: Batch, kept: Kept) -> bool:
        """Write what is pending, and where it ends, in one transaction; say whether it is written.

        A file that turns out to be damaged is moved aside, and the next one gets all that is known;
        so does the next one after a file that somebody removed.
        """
        try:
            if self._database is not None and not self._path.exists():
                self._let_go()
                pending.totals = kept.batch.totals.copy()
            if self._held is None:
                self._held = ledger_file.lock_directory(self._path)
            if self._database is None:
                self._database = ledger_file.connect(self._path)
            self._commit(self._database, pending, kept)
        except sqlite3.Error as fault:
            self.fault = f"cannot write {self._path}: {fault}"
            if ledger_file.is_damage(fault):
                pending.totals = kept.batch.totals.copy()
                with suppress(sqlite3.Error, OSError):
                    self._begin_anew(fault)
            return False
        except (OSError, PassthruError) as fault:
            self.fault = f"cannot write {self._path}: {fault}"
            return False
        self.fault = None
        return True

    def _open(self, kept: Kept) -> None:
        try:
            self._database = ledger_file.connect(self._path)
            self._load(self._database, kept)
        except (sqlite3.Error, ValueError) as fault:
            if ledger_file.is_damage(fault):
                self._begin_anew(fault)
                return
            self.fault = f"cannot write {self._path}: {fault}"
            if self._path.exists():
                with closing(ledger_file.connect_to_read(self._path)) as database:
                    if version_of(database):
                        self._load(database, kept)

    def _begin_anew(self, why: Exception) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None
        ledger_file.set_aside(self._path, why)
        self._database = ledger_file.connect(self._path)

    def _let_go(self) -> None:
        """Leave a file that has no name any more, in a directory that may have none either."""
        logger.warning("%s was removed: the next one has the totals, and no history", self._path)
        self.close()

    def _load(self, database: sqlite3.Connection, kept: Kept) -> None:
        """Take in what the file has; raises ValueError if that is none of ours, sqlite3.Error."""
        rows: Mapping[str, str] = dict(database.execute("SELECT name, value FROM kept"))
        if "position" in rows:
            kept.position = ledger_rows.read_position(rows["position"])
        kept.since = float(rows.get("since", kept.since))
        for row in database.execute("SELECT name, first, second, value FROM counters"):
            with suppress(ValueError):  # a later version's
                ledger_rows.take_in(kept.batch.totals, row)
        with suppress(ValueError, KeyError):
            ledger_rows.read_recent(rows["recent"], kept.batch)

    def _commit(self, database: sqlite3.Connection, pending: Batch, kept: Kept) -> None:
        database.execute("BEGIN IMMEDIATE")
        try:
            self._save(database, pending, kept)
            database.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                database.execute("ROLLBACK")
            raise

    def _save(self, database: sqlite3.Connection, pending: Batch, kept: Kept) -> None:
        rows = {"since": repr(kept.since), "recent": ledger_rows.recent_text(kept.batch)}
        if kept.position is not None:
            rows["position"] = ledger_rows.position_text(kept.position)
        database.executemany(_SAVE, rows.items())
        database.executemany(_COUNT, ledger_rows.counters_of(pending.totals))
        add_steps(database, pending.minutes)
        add_asked(database, pending.asked_minutes)
        add_wanted(database, int(pending.totals.last_line_at or 0) // HOUR * HOUR, pending.paths)
        newest = max(pending.minutes, default=self._pruned)
        if newest != self._pruned:
            prune(database)
            self._pruned = newest


def _unusable(path: Path, fault: Exception) -> PassthruError:
    if path.is_dir():
        told = f"cannot open {path}: it is a directory"
        return PassthruError(told, hint="move it away: a file is made in its place")
    return PassthruError(
        f"cannot open {path}: {fault}",
        hint="let the user that runs passthru read it, or move it away: counting begins anew then",
    )
