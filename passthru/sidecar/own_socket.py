"""A unix socket of ours that everybody may connect to: there without a gap when another takes over."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from passthru.errors import ListenError

_BACKLOG: Final = 128


@dataclass(frozen=True, slots=True)
class OwnSocket:
    """A socket that listens and does not block, and its name in the file system."""

    listener: socket.socket
    path: Path
    identity: tuple[int, int]

    @classmethod
    def at(cls, path: Path, *, backlog: int = _BACKLOG) -> Self:
        """Listen at `path`, in the place of whoever did before; raises OSError.

        Any user may connect: nginx's workers are another one, and what is told is no secret from
        those who are on this machine.
        """
        # No longer than the name it is to have, which is as long as a socket's may be.
        beside = path.with_name(f".{path.name[:-1] or 's'}")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            beside.unlink(missing_ok=True)
            listener.setblocking(False)  # noqa: FBT003 - its only argument
            listener.bind(str(beside))
            beside.chmod(0o666)
            listener.listen(backlog)
            identity = _identity(beside)
            beside.replace(path)
        except BaseException:
            listener.close()
            with suppress(OSError):
                beside.unlink()
            raise
        return cls(listener, path, identity)

    def is_there(self) -> bool:
        """Say whether the name still leads to us: somebody may clear the runtime directory."""
        try:
            return _identity(self.path) == self.identity
        except OSError:
            return False

    def remove(self) -> None:
        """Remove the name if it is ours; who has connected stays."""
        if self.is_there():
            with suppress(OSError):
                self.path.unlink()

    def close(self) -> None:
        """Stop listening, and remove the name if it is ours."""
        self.remove()
        self.listener.close()


@contextmanager
def listening(path: str) -> Iterator[OwnSocket]:
    """Listen at `path` inside the `with`; raises ListenError."""
    try:
        found = OwnSocket.at(Path(path))
    except OSError as fault:
        raise ListenError(
            f"cannot listen on {path}: {str(fault.strerror or fault).lower()}",
            hint="stop passthru and start it again, which makes that directory"
            if isinstance(fault, FileNotFoundError)
            else "run this as the user that runs passthru",
        ) from fault
    try:
        yield found
    finally:
        found.close()


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino
