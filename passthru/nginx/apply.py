"""The transaction: a rendering becomes what a running instance serves, or nothing changes.

Killed at any step, it leaves an instance that serves its last good generation, and a site on
which the next transaction works.
"""

import logging
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from passthru.errors import NginxError, NotRunningError, PassthruError, ReloadRejectedError
from passthru.nginx.errorlog import Mark, complaints_since, mark_end
from passthru.nginx.generation import folder_of, named_by, point, prune, write_generation
from passthru.nginx.health import ask_health, is_live
from passthru.nginx.lock import transaction
from passthru.nginx.master import check_owner, find_master, send, serving_workers
from passthru.nginx.patience import wait_until
from passthru.nginx.process import check_configuration, listen_error
from passthru.nginx.record import record_failure, record_success
from passthru.nginx.rendering import Rendering
from passthru.nginx.site import Site
from passthru.nginx.storage import explained

_LEAVE_SECONDS: Final = 2.0
_BIND_SECONDS: Final = 3.0  # nginx tries five times, half a second apart
_REFUSAL_SECONDS: Final = 0.3
_OWN_ADDRESS: Final = (
    "; if this instance has the port itself, stop it and start it again: it cannot widen or narrow"
    " the addresses of a port while it runs"
)

logger: Final = logging.getLogger(__name__)


class Outcome(StrEnum):
    """What a transaction came to."""

    UNCHANGED = "unchanged"
    APPLIED = "applied"
    OVERTAKEN = "overtaken"
    """Another transaction came first, and what it made live stays."""


class Step(StrEnum):
    """What a transaction has just done."""

    LOCKED = "locked"
    WRITTEN = "written"
    TESTED = "tested"
    SWAPPED = "swapped"
    SIGNALLED = "signalled"
    WAITING = "waiting"
    SEEN = "seen"
    GOOD = "good"
    PRUNED = "pruned"
    RESTORED = "restored"


def ignore(_step: Step) -> None:
    """Do nothing at a step."""


@dataclass(frozen=True, slots=True)
class _Transaction:
    site: Site
    binary: str
    wait: float
    step: Callable[[Step], None]

    @property
    def error_log(self) -> str:
        return f"{self.site.logs}/error.log"


def apply(
    rendering: Rendering,
    site: Site,
    *,
    binary: str,
    over: str | None = None,
    wait: float = 10.0,
    lock_wait: float = 30.0,
    step: Callable[[Step], None] = ignore,
) -> Outcome:
    """Make `rendering` what the running instance of `site` serves, from whatever process.

    It has `wait` seconds to be seen live, and another transaction has `lock_wait` to end. With
    `over`, nothing happens unless that is the live generation when it has. `step` is called after
    each step, and while waiting; what it raises ends the transaction there.
    Raises NotRunningError; NginxError or ListenError from `nginx -t`; ReloadRejectedError;
    PassthruError for a disk that does not take it. The old generation serves on after them all.
    How it ended is recorded, unless it was only that nothing runs.
    """
    try:
        this = _Transaction(site, binary, wait, step)
        outcome = _apply(rendering, this, over=over, lock_wait=lock_wait)
    except NotRunningError:
        raise
    except PassthruError as fault:
        record_failure(site, rendering.generation, fault.message)
        raise
    if outcome is not Outcome.OVERTAKEN:
        record_success(site, rendering.generation)
    return outcome


def _apply(
    rendering: Rendering, this: _Transaction, *, over: str | None, lock_wait: float
) -> Outcome:
    site, step = this.site, this.step
    with transaction(site, wait=lock_wait, waiting=lambda: step(Step.WAITING)):
        step(Step.LOCKED)
        if over is not None and named_by(site.live) != over:
            return Outcome.OVERTAKEN
        running = ask_health(site).generation
        master = find_master(site)
        check_owner(master)
        with explained("nothing has changed, because the state cannot be written"):
            _adopt(site, running)
            if running == rendering.generation == named_by(site.live):
                return Outcome.UNCHANGED
            place(rendering, site, binary=this.binary, step=step)
        started = time.monotonic()
        _take_live(this, rendering.generation, master)
        logger.info(
            "reload accepted generation=%s before=%s took=%.2fs",
            rendering.generation,
            running,
            time.monotonic() - started,
        )
        keep(site, rendering.generation, step=step)
    return Outcome.APPLIED


def place(
    rendering: Rendering, site: Site, *, binary: str, step: Callable[[Step], None] = ignore
) -> None:
    """Write `rendering`, test it, and let `live` name it; raises as `apply` does, and OSError."""
    folder = write_generation(rendering, site)
    step(Step.WRITTEN)
    check_configuration(binary, folder / "nginx.conf", prefix=site.state)
    step(Step.TESTED)
    point(site.live, rendering.generation)
    step(Step.SWAPPED)


def keep(site: Site, generation: str, *, step: Callable[[Step], None] = ignore) -> None:
    """Record that `generation` was seen live, and forget the oldest ones.

    It serves already, so a disk that fails here is only logged: the next transaction repairs it.
    """
    try:
        point(site.good, generation)
        step(Step.GOOD)
        prune(site)
        step(Step.PRUNED)
    except OSError as fault:
        logger.warning("could not record a good generation=%s reason=%s", generation, fault)


def _adopt(site: Site, running: str) -> None:
    """Let `good` name what is served now: a transaction killed late did not come to that."""
    if named_by(site.good) != running and folder_of(site, running).is_dir():
        point(site.good, running)


def _take_live(this: _Transaction, generation: str, master: int) -> None:
    mark = mark_end(this.error_log)
    before = serving_workers(this.site, master)
    try:
        send(master, signal.SIGHUP)
        this.step(Step.SIGNALLED)
        accepted = _is_seen(this, generation, mark)
    except NotRunningError:
        _go_back(this.site)
        raise
    if not accepted:
        raise _restored(this, generation, master, mark)
    _await_leave(this.site, master, before)
    this.step(Step.SEEN)


def _await_leave(site: Site, master: int, workers: frozenset[int]) -> None:
    """Wait until none of `workers` accepts any more, so that who asks next meets none of them.

    A reload lets old and new workers accept side by side for a tenth of a second.
    """
    wait_until(lambda: workers.isdisjoint(serving_workers(site, master)), seconds=_LEAVE_SECONDS)


def _is_seen(this: _Transaction, generation: str, mark: Mark) -> bool:
    """Wait until `generation` answers; False when time is up, or nginx has plainly said no."""
    refused_at: float | None = None
    live = False

    def is_decided() -> bool:
        nonlocal live, refused_at
        this.step(Step.WAITING)
        live = is_live(this.site, generation, timeout=min(1.0, this.wait))
        fatal = [
            line for line in complaints_since(this.error_log, mark) if line.startswith("[emerg]")
        ]
        if live or not fatal:
            return live
        refused_at = refused_at or time.monotonic()
        patience = _BIND_SECONDS if any("bind()" in line for line in fatal) else _REFUSAL_SECONDS
        return time.monotonic() - refused_at > patience

    wait_until(is_decided, seconds=this.wait)
    return live


def _restored(this: _Transaction, generation: str, master: int, mark: Mark) -> ReloadRejectedError:
    """Go back to the good generation; return the error that tells all that went wrong."""
    lines = complaints_since(this.error_log, mark)
    advice = listen_error(lines)
    hint = f"{advice.hint}{_OWN_ADDRESS}" if advice else None
    what = f"nginx did not take generation {generation} live"
    if not lines:
        what += f" within {this.wait:.0f} s"
    try:
        good = _go_back(this.site)
        before = serving_workers(this.site, master)
        send(master, signal.SIGHUP)
        if not wait_until(lambda: _answers(this, good), seconds=this.wait):
            raise NginxError(f"generation {good} did not come back within {this.wait:.0f} s")
        _await_leave(this.site, master, before)
    except (PassthruError, OSError) as fault:
        return ReloadRejectedError(
            f"{what}, and going back failed too: {fault}",
            lines=complaints_since(this.error_log, mark),
            hint="restart `passthru up`",
        )
    this.step(Step.RESTORED)
    return ReloadRejectedError(f"{what}; {good} serves on", lines=lines, hint=hint)


def _answers(this: _Transaction, generation: str) -> bool:
    this.step(Step.WAITING)
    return is_live(this.site, generation, timeout=min(1.0, this.wait))


def _go_back(site: Site) -> str:
    """Let `live` name what `good` names, and return that generation."""
    good = named_by(site.good)
    if good is None:
        raise NginxError("no good generation is left on disk")
    with explained(f"cannot return to generation {good}"):
        point(site.live, good)
    return good
