"""Failures of the disk, told so that their reader can act on them."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from passthru.errors import PassthruError

_HINTS: Final = {
    errno.ENOSPC: "free some space there, or move state_directory",
    errno.EDQUOT: "free some space there, or move state_directory",
    errno.EROFS: "make it writable, or set state_directory and runtime_directory to others",
    errno.EACCES: "run this as its owner, or set state_directory and runtime_directory to others",
    errno.EPERM: "run this as its owner, or set state_directory and runtime_directory to others",
}


@contextmanager
def explained(doing: str) -> Iterator[None]:
    """Turn an OSError inside into a PassthruError that says what we were `doing`."""
    try:
        yield
    except OSError as fault:
        where = f" ({fault.filename})" if fault.filename else ""
        raise PassthruError(
            f"{doing}: {(fault.strerror or str(fault)).lower()}{where}",
            hint=_HINTS.get(fault.errno or 0),
        ) from fault
