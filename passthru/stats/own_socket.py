"""The unix socket that the exporter answers on: there without a gap when another takes over."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from passthru.errors import ListenError

_BACKLOG: Final = 128


@contextmanager
def listening(path: str) -> Iterator[socket.socket]:
    """Listen at `path` inside the `with`, in the place of whoever did before.

    Any user may connect: nginx's workers are another one, and what is told is no secret from those
    who are on this machine. Raises ListenError.
    """
    beside = f"{path}.{os.getpid()}"
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        try:
            with suppress(FileNotFoundError):
                os.unlink(beside)  # noqa: PTH108 - in one call
            listener.bind(beside)
            os.chmod(beside, 0o666)  # noqa: PTH101, S103 - see above
            listener.listen(_BACKLOG)
            os.rename(beside, path)  # noqa: PTH104 - in one call
        except OSError as fault:
            raise ListenError(
                f"cannot listen on {path}: {str(fault.strerror).lower()}",
                hint="run this as the user that runs passthru",
            ) from fault
        mine = os.stat(path)  # noqa: PTH116 - in one call
        yield listener
        with suppress(OSError):
            found = os.stat(path)  # noqa: PTH116 - in one call
            if (found.st_dev, found.st_ino) == (mine.st_dev, mine.st_ino):
                os.unlink(path)  # noqa: PTH108 - in one call
    finally:
        listener.close()
