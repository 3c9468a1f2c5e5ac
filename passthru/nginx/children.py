"""Child processes that never outlive us: each leads its own session, and dies when we do."""

import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from passthru.errors import PassthruError
from passthru.nginx.notify import VOICE
from passthru.nginx.patience import wait_until
from passthru.nginx.process import clean_environment
from passthru.nginx.pulse import Pulse

_PR_SET_PDEATHSIG: Final = 1  # prctl(2), linux/prctl.h
_PR_SET_CHILD_SUBREAPER: Final = 36
_SHORT_SECONDS: Final = 1.0

_prctl: Final = ctypes.CDLL(None, use_errno=True).prctl


@dataclass(frozen=True, slots=True)
class Child:
    """A program to run beside us; it leaves in peace on `stop_signal`, at once on SIGTERM."""

    name: str
    argv: tuple[str, ...]
    stop_signal: signal.Signals = signal.SIGTERM
    only_with: str | None = None
    """A file without which it is not started; once started, it stays."""

    is_spare: bool = False
    """Whether no request needs it: when it dies it is started again, and all else goes on."""

    patience: float | None = None
    """Seconds without a sign of life after which it is taken for frozen; None if it gives none."""

    bury: Callable[[], None] = field(default=lambda: None, repr=False)
    """What is to be done when it has died: it may raise OSError."""

    is_ready: Callable[[], bool] = field(default=lambda: True, repr=False)
    """Whether it does its work already; must not block."""

    def is_wanted(self) -> bool:
        """Say whether there is work for it."""
        return self.only_with is None or os.path.exists(self.only_with)  # noqa: PTH110 - in one call


@dataclass(frozen=True, slots=True)
class Running:
    """A child that was started; its pid stays its own until `stop_all` has reaped it."""

    child: Child
    process: subprocess.Popen[bytes]
    pulse: Pulse | None = None

    @property
    def pid(self) -> int:
        """The process id, which is that of its session and process group as well."""
        return self.process.pid

    def ended(self) -> str | None:
        """Say how it ended ("exit status 1", "killed by SIGKILL"); None while it runs."""
        try:
            # Not reaped yet: the pid must not be given to others while its group is ours to kill.
            found = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return "ended"
        if found is None:
            return None
        if found.si_code == os.CLD_EXITED:
            return f"exit status {found.si_status}"
        return f"killed by {_name(found.si_status)}"

    def wake(self) -> bool:
        """Kill it if it is frozen, and say whether it was; it ends when the kernel lets it."""
        if self.pulse is None or not self.pulse.is_lost():
            return False
        _kill(self)
        return True


def start(child: Child, *, keep_open: int, stderr: int | None = None) -> Running:
    """Start `child`; it inherits the descriptor `keep_open`. Raises PassthruError.

    A terminal's Ctrl-C does not reach it: when and how it stops is ours to say. The kernel sends
    it SIGTERM when the calling thread ends (not if its program has file capabilities, prctl(2)).
    """
    parent = os.getpid()
    pulse = Pulse.of(child.patience)

    def die_with_parent() -> None:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    try:
        process = subprocess.Popen(
            child.argv,
            stdin=subprocess.DEVNULL,
            stdout=2,  # ours is for data
            stderr=stderr,
            pass_fds=(keep_open,) if pulse is None else (keep_open, pulse.voice),
            env=_environment() | ({} if pulse is None else pulse.environment),
            start_new_session=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - two system calls, no lock is taken
        )
    except OSError as fault:
        if pulse is not None:
            pulse.close()
        raise PassthruError(
            f"cannot start {child.name}: {fault.strerror} ({fault.filename})"
        ) from fault
    finally:
        if pulse is not None:
            pulse.is_handed_over()
    return Running(child, process, pulse)


def _environment() -> dict[str, str]:
    """Return our environment without what is between us alone and who started us (sd_notify(3))."""
    ours = {"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", VOICE}
    return {name: value for name, value in clean_environment().items() if name not in ours}


def stop_all(
    running: Sequence[Running], *, grace: float, hurry: Callable[[], bool] = lambda: False
) -> None:
    """End all children and all processes of their groups, and reap them.

    They have `grace` seconds to leave in peace, less if `hurry` comes true.
    """
    for one in running:
        _send(one, one.child.stop_signal)
    if not wait_until(lambda: hurry() or _all_ended(running), seconds=grace) or hurry():
        for one in running:
            _send(one, signal.SIGTERM)
        wait_until(lambda: _all_ended(running), seconds=_SHORT_SECONDS)
    for one in running:
        _kill(one)
    for one in running:
        one.process.wait()
        if one.pulse is not None:
            one.pulse.close()
        wait_until(lambda group=one.pid: _is_reaped(group), seconds=_SHORT_SECONDS)  # type: ignore[misc]


@contextmanager
def adopting_orphans() -> Iterator[None]:
    """Become the parent of grandchildren whose parent dies, so that they can be reaped here."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    try:
        yield
    finally:
        _prctl(_PR_SET_CHILD_SUBREAPER, 0)


def _send(one: Running, number: signal.Signals) -> None:
    if one.ended() is None:
        with suppress(ProcessLookupError):
            os.kill(one.pid, number)


def _kill(one: Running) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(one.pid, signal.SIGKILL)


def _all_ended(running: Sequence[Running]) -> bool:
    return all(one.ended() is not None for one in running)


def _is_reaped(group: int) -> bool:
    """Reap what is left of a process group; True when nothing is."""
    with suppress(ChildProcessError):
        while os.waitpid(-group, os.WNOHANG) != (0, 0):
            pass
        return False
    return True


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"
