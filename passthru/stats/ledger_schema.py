"""The tables of the ledger, and how a file of an earlier version becomes one of this version."""

import sqlite3
from typing import Final

from passthru.errors import PassthruError

MIGRATIONS: Final = (
    """
    CREATE TABLE kept (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
    CREATE TABLE counters (
        name TEXT, first TEXT, second TEXT, value INTEGER NOT NULL,
        PRIMARY KEY (name, first, second)
    ) WITHOUT ROWID;
    CREATE TABLE steps (
        seconds INTEGER, start INTEGER,
        requests INTEGER NOT NULL, hits INTEGER NOT NULL, cacheable_requests INTEGER NOT NULL,
        errors INTEGER NOT NULL, served_bytes INTEGER NOT NULL, fetched_bytes INTEGER NOT NULL,
        PRIMARY KEY (seconds, start)
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE asked (
        minute INTEGER, upstream TEXT,
        requests INTEGER NOT NULL, errors INTEGER NOT NULL, milliseconds INTEGER NOT NULL,
        counts TEXT NOT NULL,
        PRIMARY KEY (minute, upstream)
    ) WITHOUT ROWID;
    CREATE TABLE wanted (
        hour INTEGER, path TEXT, requests INTEGER NOT NULL, sent_bytes INTEGER NOT NULL,
        PRIMARY KEY (hour, path)
    ) WITHOUT ROWID;
    """,
)
"""What makes each version out of the one before it; never changed once it was released."""

VERSION: Final = len(MIGRATIONS)


def version_of(database: sqlite3.Connection) -> int:
    """Return a file's version, 0 for one that nothing was written to; raises sqlite3.Error."""
    (found,) = database.execute("PRAGMA user_version").fetchone()
    return int(found)


def prepare(database: sqlite3.Connection, name: str) -> None:
    """Bring a file to this version, in one transaction.

    Raises PassthruError if a newer passthru made it, sqlite3.Error if it cannot be read or written.
    """
    found = version_of(database)
    if found > VERSION:
        raise PassthruError(
            f"{name} was written by a newer passthru (version {found}, this one knows {VERSION})",
            hint="run that passthru, or move the file away to count from nothing",
        )
    # WAL: readers see the last transaction, and a process that dies leaves nothing half done.
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    if found == VERSION:
        return
    steps = "".join(MIGRATIONS[found:])
    database.executescript(f"BEGIN; {steps} PRAGMA user_version = {VERSION}; COMMIT;")
