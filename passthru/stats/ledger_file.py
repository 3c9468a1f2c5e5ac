"""The file of a ledger: who may write it, and what is done with one that is damaged."""

import fcntl
import logging
import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Final

from passthru.errors import PassthruError
from passthru.stats.ledger_schema import prepare

_BUSY_SECONDS: Final = 5.0

logger: Final = logging.getLogger(__name__)


def lock_directory(path: Path) -> int:
    """Lock the directory of a ledger for this process; return the descriptor that holds it.

    The directory and not a file in it, for it may take none. Raises PassthruError if another
    process has it, OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise PassthruError(
            f"another process counts in {path}", hint="one exporter is enough for an instance"
        ) from None
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def connect(path: Path) -> sqlite3.Connection:
    """Open a ledger for writing, in this version; make it if it is not there.

    Raises PassthruError if a newer passthru made it, sqlite3.Error: see `is_damage`.
    """
    database = sqlite3.connect(
        path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        prepare(database, str(path))
        _check(database)
    except BaseException:
        database.close()
        raise
    return database


def _check(database: sqlite3.Connection) -> None:
    (told,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if told != "ok":
        raise sqlite3.DatabaseError(told)


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Open a ledger on a disk that takes no writes; raises sqlite3.Error."""
    quoted = path.absolute().as_uri()
    with suppress(sqlite3.OperationalError):
        database = sqlite3.connect(f"{quoted}?mode=ro", uri=True, check_same_thread=False)
        with suppress(sqlite3.OperationalError):
            database.execute("PRAGMA user_version").fetchone()
            return database
        database.close()
    log = Path(f"{path}-wal")
    if log.exists() and log.stat().st_size:
        raise sqlite3.OperationalError("its last changes cannot be read")
    return sqlite3.connect(f"{quoted}?immutable=1", uri=True, check_same_thread=False)


def is_damage(fault: Exception) -> bool:
    """Tell a file that is no ledger (any more) from a disk that does not take or give its bytes."""
    return type(fault) is sqlite3.DatabaseError or isinstance(fault, ValueError)


def set_aside(path: Path, why: Exception) -> None:
    """Move a damaged file out of the way, in place of the last one; raises OSError."""
    aside = Path(f"{path}.damaged")
    logger.warning("%s is damaged (%s): it is %s now, and counting begins anew", path, why, aside)
    path.replace(aside)
    for ending in ("-wal", "-shm"):
        Path(f"{path}{ending}").unlink(missing_ok=True)
