"""The history in the ledger: rows by minute, quarter, hour and day, each kept for its time.

Each line is counted in all of them at once, so nothing has to be made of older rows later, and a
line may be of any time. What is dropped is the oldest of what there is, whatever the clock says.
"""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import astuple
from typing import Final

from passthru.stats.batch import Asked, PathCount, Sums
from passthru.stats.durations import Durations

MINUTE: Final = 60
HOUR: Final = 3600
KEPT: Final = {MINUTE: 2 * 1440, 900: 8 * 96, HOUR: 60 * 24, 86400: 3660}
"""How long the steps are that are kept, and how many of each: 2, 8 and 60 days, 10 years."""

ASKED_SECONDS: Final = 2 * HOUR
_ASKED_KEPT: Final = ASKED_SECONDS // MINUTE + 10
_WANTED_HOURS: Final = 26
_WANTED_KEPT: Final = 500

_SUMS: Final = "requests, hits, cacheable_requests, errors, served_bytes, fetched_bytes"
_ADDED: Final = ", ".join(f"{one} = {one} + excluded.{one}" for one in _SUMS.split(", "))
_ADD: Final = (
    "INSERT INTO steps VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - our own columns
    f" ON CONFLICT (seconds, start) DO UPDATE SET {_ADDED}"
)


def add_steps(database: sqlite3.Connection, minutes: Mapping[int, Sums]) -> None:
    """Add what happened in some minutes."""
    steps: dict[tuple[int, int], Sums] = {}
    for minute, sums in minutes.items():
        for seconds in KEPT:
            steps.setdefault((seconds, minute // seconds * seconds), Sums()).add(sums)
    database.executemany(_ADD, ((*key, *astuple(sums)) for key, sums in steps.items()))


def sum_steps(
    database: sqlite3.Connection, *, seconds: int, step: int, start: int, end: int
) -> dict[int, Sums]:
    """Return the sums of the rows of one length in a time, by steps of `step`, a multiple of it."""
    columns = ", ".join(f"sum({column})" for column in _SUMS.split(", "))
    rows = database.execute(
        f"SELECT start / ? * ?, {columns} FROM steps"  # noqa: S608 - our own columns
        " WHERE seconds = ? AND start >= ? AND start < ? GROUP BY 1",
        (step, step, seconds, start, end),
    )
    return {begin: Sums(*sums) for begin, *sums in rows}


def resolution(database: sqlite3.Connection, since: float) -> int | None:
    """Return the length of the shortest steps that go back to a moment; None if none do."""
    for seconds, kept in KEPT.items():
        count, oldest = database.execute(
            "SELECT count(*), min(start) FROM steps WHERE seconds = ?", (seconds,)
        ).fetchone()
        if count < kept or oldest <= since:
            return seconds
    return None


def add_asked(database: sqlite3.Connection, minutes: Mapping[tuple[int, str], Asked]) -> None:
    """Add how upstreams did in some minutes."""
    for (minute, upstream), asked in minutes.items():
        row = database.execute(
            "SELECT requests, errors, milliseconds, counts FROM asked"
            " WHERE minute = ? AND upstream = ?",
            (minute, upstream),
        ).fetchone()
        total = _asked(*row) if row else Asked()
        total.add(asked)
        durations = total.durations
        counts = json.dumps(durations.counts)
        database.execute(
            "INSERT OR REPLACE INTO asked VALUES (?, ?, ?, ?, ?, ?)",
            (minute, upstream, total.requests, total.errors, durations.milliseconds, counts),
        )


def asked_between(database: sqlite3.Connection, since: float, until: float) -> dict[str, Asked]:
    """Return how each upstream did in the minutes that have something of a time."""
    found: dict[str, Asked] = {}
    rows = database.execute(
        "SELECT upstream, requests, errors, milliseconds, counts FROM asked"
        " WHERE minute > ? AND minute < ?",
        (since - MINUTE, until),
    )
    for upstream, *row in rows:
        found.setdefault(upstream, Asked()).add(_asked(*row))
    return found


def add_wanted(database: sqlite3.Connection, hour: int, paths: Mapping[str, PathCount]) -> None:
    """Add how often paths were asked for, in the hour that begins at `hour`."""
    database.executemany(
        "INSERT INTO wanted VALUES (?, ?, ?, ?) ON CONFLICT (hour, path) DO UPDATE SET"
        " requests = requests + excluded.requests, sent_bytes = sent_bytes + excluded.sent_bytes",
        ((hour, path, one.requests, one.sent_bytes) for path, one in paths.items()),
    )


def wanted_since(database: sqlite3.Connection, since: float) -> dict[str, PathCount]:
    """Return how often paths were asked for since the hour of a moment."""
    rows = database.execute(
        "SELECT path, sum(requests), sum(sent_bytes) FROM wanted WHERE hour >= ? GROUP BY path",
        (int(since) // HOUR * HOUR,),
    )
    return {path: PathCount(requests, sent) for path, requests, sent in rows}


def prune(database: sqlite3.Connection) -> None:
    """Drop the oldest rows past what is kept, and of each hour the paths wanted least."""
    for seconds, kept in KEPT.items():
        _drop(database, "steps", "start", kept, of=f"seconds = {seconds}")
    _drop(database, "asked", "minute", _ASKED_KEPT)
    _drop(database, "wanted", "hour", _WANTED_HOURS)
    database.execute(
        "DELETE FROM wanted WHERE (hour, path) IN (SELECT hour, path FROM (SELECT hour, path,"
        " row_number() OVER (PARTITION BY hour ORDER BY requests DESC) AS place FROM wanted)"
        " WHERE place > ?)",
        (_WANTED_KEPT,),
    )


def _drop(
    database: sqlite3.Connection, table: str, column: str, kept: int, *, of: str = "1"
) -> None:
    """Keep the rows of the newest times. In two statements: SQLite 3.40 loses a nested OFFSET."""
    row = database.execute(
        f"SELECT DISTINCT {column} FROM {table} WHERE {of}"  # noqa: S608 - our own names
        f" ORDER BY {column} DESC LIMIT 1 OFFSET ?",
        (kept,),
    ).fetchone()
    if row is not None:
        database.execute(
            f"DELETE FROM {table} WHERE {of} AND {column} <= ?",  # noqa: S608 - our own names
            row,
        )


def _asked(requests: int, errors: int, milliseconds: int, counts: str) -> Asked:
    return Asked(requests, errors, Durations(json.loads(counts), milliseconds))
