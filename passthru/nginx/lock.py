"""The locks of a site: one transaction at a time, one `passthru up`, and who is left of an old one.

All are flock(2): the kernel releases them when their holder ends, however it ends.
"""

import fcntl
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from passthru.errors import NotRunningError, PassthruError
from passthru.nginx.patience import wait_until
from passthru.nginx.site import Site
from passthru.nginx.storage import explained

_LEAVE_SECONDS: Final = 5.0


@contextmanager
def transaction(
    site: Site, *, wait: float = 30.0, waiting: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Hold the site's transaction lock; `waiting` is called again and again while others hold it.

    Raises NotRunningError if nothing ever ran here, PassthruError after `wait` seconds.
    """
    if not Path(site.runtime).is_dir():
        raise NotRunningError(
            f"nothing runs here: {site.runtime} does not exist", hint="start it with `passthru up`"
        )
    with _opened(site.lock) as lock:

        def taken() -> bool:
            waiting()
            return _take(lock)

        if not wait_until(taken, seconds=wait):
            raise PassthruError(
                f"another transaction{_named(lock)} has held {site.lock} for {wait:.0f} s",
                hint="wait for it to end, then try again",
            )
        _sign(lock)
        yield


@contextmanager
def only_instance(site: Site) -> Iterator[int]:
    """Hold the site for life; yield a descriptor for its children to inherit.

    Children of an earlier `passthru up` that was killed hold it as well, and are ended first.
    Raises PassthruError if another `passthru up` is alive.
    """
    with ExitStack() as stack:
        for directory in (site.runtime, site.state):
            lock = stack.enter_context(_opened(f"{directory}/up.lock"))
            _hold(lock, directory)
            _sign(lock)
        # The directory itself: its disk may take no writes, and is served from all the same.
        _hold(stack.enter_context(_opened_directory(site.cache)), site.cache)
        children = stack.enter_context(_opened(_children_lock(site)))
        _end_orphans(_children_lock(site), children)
        yield children


def instance_of(site: Site) -> int | None:
    """Return the process that holds the site for life, whoever asks; None if there is none.

    Also where its runtime directory was removed (/proc/locks, proc(5)).
    """
    try:
        found = Path(site.state, "up.lock").stat()
        table = Path("/proc/locks").read_text(encoding="utf-8")
    except OSError:
        return None
    device = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}"
    for line in table.splitlines():
        words = line.split()
        if words[1:2] == ["FLOCK"] and words[5:6] == [f"{device}:{found.st_ino}"]:
            return int(words[4])
    return None


def _hold(lock: int, directory: str) -> None:
    if not _take(lock):
        raise PassthruError(
            f"passthru{_named(lock)} runs already in {directory}",
            hint="stop it first, or give this one directories of its own:"
            " state_directory, runtime_directory and cache.directory",
        )


def _children_lock(site: Site) -> str:
    return f"{site.runtime}/children.lock"


def _end_orphans(path: str, lock: int) -> None:
    """End all processes that hold `path` still; raises PassthruError if they do not go."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if _take(lock):
            return
        for pid in _holders(path):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
        if wait_until(lambda: _take(lock), seconds=_LEAVE_SECONDS):
            return
    left = ", ".join(str(pid) for pid in _holders(path)) or "not ours to see"
    raise PassthruError(
        f"processes of an earlier instance do not end (process {left})", hint="end them by hand"
    )


def _holders(path: str) -> Iterator[int]:
    """Yield all other processes that have the file `path` open, as far as we may see."""
    wanted = os.path.realpath(path)
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with suppress(OSError):
            if any(_leads_to(found, wanted) for found in Path(entry.path, "fd").iterdir()):
                yield int(entry.name)


def _leads_to(link: Path, wanted: str) -> bool:
    try:
        return str(link.readlink()) == wanted
    except OSError:
        return False


@contextmanager
def _opened(path: str) -> Iterator[int]:
    with explained("cannot open a lock"):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _opened_directory(path: str) -> Iterator[int]:
    with explained("cannot open a directory"):
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _take(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sign(lock: int) -> None:
    """Write who holds the lock: for messages only, so a full disk does not matter."""
    with suppress(OSError):
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)


def _owner(lock: int) -> int | None:
    try:
        text = os.pread(lock, 32, 0).strip()
    except IsADirectoryError:
        return None
    return int(text) if text.isdigit() else None


def _named(lock: int) -> str:
    owner = _owner(lock)
    return "" if owner is None else f" (process {owner})"
