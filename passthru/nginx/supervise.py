"""What `passthru up` does in the foreground: serve, reload, rotate and watch, until told to stop."""

import logging
import math
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from passthru.errors import NginxError, PassthruError
from passthru.nginx.apply import Outcome, Step, apply
from passthru.nginx.children import Child
from passthru.nginx.generation import is_alike, named_by, read_generation
from passthru.nginx.health import is_well
from passthru.nginx.lock import transaction
from passthru.nginx.master import send
from passthru.nginx.notify import notify_ready, notify_reloading, notify_status, notify_stopping
from passthru.nginx.record import record_failure
from passthru.nginx.recovery import is_whole, recover
from passthru.nginx.rendering import Rendering
from passthru.nginx.rotation import ROTATE_BYTES, rotate_logs
from passthru.nginx.serving import GRACE, Crew, serving
from passthru.nginx.signals import Signals
from passthru.nginx.site import Site
from passthru.nginx.watchdog import Watchdog

TICK_SECONDS: Final = 1.0
APPLY_SECONDS: Final = 10.0
"""Between two transactions that no person asked for."""

RECOVER_SECONDS: Final = 60.0
"""Between two attempts to make again what was removed."""

logger: Final = logging.getLogger(__name__)


class _StoppedError(Exception):
    """We were told to stop in the middle of a transaction."""


def run(
    rendering: Rendering,
    site: Site,
    *,
    binary: str,
    make_rendering: Callable[[], Rendering],
    on_ready: Callable[[], None] = lambda: None,
    tick: Callable[[], Rendering | None] = lambda: None,
    adopt: Callable[[], None] = lambda: None,
    user: str | None = None,
    children: Sequence[Child] = (),
    rotate_bytes: int = ROTATE_BYTES,
    apply_seconds: float = APPLY_SECONDS,
    grace: float = GRACE,
) -> None:
    """Serve `rendering` until SIGTERM, SIGINT or SIGQUIT; a second one stops at once.

    SIGHUP applies what `make_rendering` returns, SIGUSR1 reopens the logs. `tick` is called every
    second and must not block; what it returns is applied, at most every `apply_seconds`. Errors of
    both are logged, and the old generation serves on. `adopt` is called when another process made
    live what `make_rendering` returned last, or nearly that. `on_ready` is called when nginx answers.
    Raises what `serving` raises at the start, and NginxError or PassthruError if a child dies.
    Only for the main thread.
    """
    with Signals() as signals:
        watch = _Watch(
            site=site,
            binary=binary,
            signals=signals,
            make_rendering=make_rendering,
            tick=tick,
            adopt=adopt,
            rotate_bytes=rotate_bytes,
            apply_seconds=apply_seconds,
            ours=rendering.generation,
            watchdog=Watchdog.of(),
            user=user,
        )
        try:
            with serving(
                rendering,
                site,
                binary=binary,
                user=user,
                children=children,
                grace=grace,
                step=watch.step,
                hurry=lambda: signals.stops > 1,
            ) as crew:
                on_ready()
                notify_ready(f"serving generation {rendering.generation}")
                watch.until_stopped(crew)
        except _StoppedError:
            return
        except PassthruError as fault:
            notify_status(f"failed: {fault.message}")
            raise


@dataclass(slots=True, kw_only=True)
class _Watch:
    """The state of the loop."""

    site: Site
    binary: str
    signals: Signals
    make_rendering: Callable[[], Rendering]
    tick: Callable[[], Rendering | None]
    adopt: Callable[[], None]
    rotate_bytes: int
    apply_seconds: float
    watchdog: Watchdog
    user: str | None
    ours: str
    """The generation that this process made live last."""

    foreign: str | None = None
    """The generation that another process made live, not from our spec."""

    due: Rendering | None = None
    """What `tick` wants, until its time has come."""

    applied_at: float = -math.inf
    recovered_at: float = -math.inf

    def until_stopped(self, crew: Crew) -> None:
        while not self.signals.stops:
            crew.check()
            if self.signals.take(signal.SIGHUP):
                self._reload()
            crew.call()
            self._try("could not go on as before", lambda: self._recover(crew.master))
            self.watchdog.calm(lambda: is_well(self.site))
            if self.signals.take(signal.SIGUSR1):
                self._try("could not reopen the logs", lambda: send(crew.master, signal.SIGUSR1))
            self._try("could not rotate the logs", lambda: self._rotate(crew.master))
            self._try("could not read the spec again", self._notice_others)
            self._try("could not follow a change around us", self._follow)
            self.signals.wait(TICK_SECONDS)
        notify_stopping("stopping")

    def step(self, _step: Step) -> None:
        """Leave a transaction as soon as we are told to stop; it ends in time, so all is well."""
        self.watchdog.calm(lambda: True)
        if self.signals.stops:
            notify_stopping("stopping")
            raise _StoppedError

    def _try(self, failed: str, act: Callable[[], None]) -> str | None:
        """Do what must not end the instance; log why it failed, and return it in short."""
        try:
            act()
        except _StoppedError:
            raise
        except PassthruError as fault:
            logger.error("%s: %s", failed, _told(fault))  # noqa: TRY400 - it is not a bug
            return f"{failed}: {fault.message}"
        except Exception:
            logger.exception("%s, and that is a bug", failed)
            return failed
        return None

    def _recover(self, master: int) -> None:
        """Make again what somebody removed under us; once in a while, where that fails."""
        now = time.monotonic()
        if is_whole(self.site) or now - self.recovered_at < RECOVER_SECONDS:
            return
        self.recovered_at = now
        logger.warning("%s was removed; it is made again", self.site.socket)
        recover(self.site, master, user=self.user, waiting=lambda: self.step(Step.WAITING))
        logger.info("recovered %s", self.site.runtime)

    def _reload(self) -> None:
        notify_reloading("applying the spec")
        self.due = None
        why = self._try("reload failed", lambda: self._apply(self._reread()))
        status = f"serving generation {self.ours}"
        notify_ready(f"{status}; {why}" if why else status)

    def _reread(self) -> Rendering:
        try:
            return self.make_rendering()
        except PassthruError as fault:
            record_failure(self.site, None, fault.message)
            raise

    def _follow(self) -> None:
        """Apply what `tick` wants, when it is time, and only over what we made live ourselves."""
        self.due = self.tick() or self.due
        if named_by(self.site.live) != self.ours:
            self.due = None
        now = time.monotonic()
        if self.due is None or now - self.applied_at < self.apply_seconds:
            return
        wanted, self.due, self.applied_at = self.due, None, now
        self._apply(wanted, over=self.ours)
        notify_status(f"serving generation {self.ours}")

    def _apply(self, rendering: Rendering, *, over: str | None = None) -> None:
        outcome = apply(rendering, self.site, binary=self.binary, over=over, step=self.step)
        if outcome is Outcome.OVERTAKEN:
            return
        self.ours, self.foreign = rendering.generation, None
        if outcome is Outcome.UNCHANGED:
            logger.info("unchanged generation=%s", self.ours)

    def _notice_others(self) -> None:
        """See whether `passthru apply` made another generation live than we did last.

        If our spec, read again, renders to it, it is ours from here on. If not, somebody applied
        another spec: following changes would undo that, so there is none of it until SIGHUP.
        """
        live = self._decided()
        if live is None or live in {self.ours, self.foreign}:
            return
        self.foreign = live
        there, here = read_generation(self.site, live), self.make_rendering()
        if there is None or not is_alike(there, here):
            logger.warning(
                "generation %s is not of our spec: changes of addresses wait for SIGHUP", live
            )
            return
        self.ours, self.foreign = live, None
        self.adopt()
        self.due = None if here.generation == live else here
        notify_status(f"serving generation {live}")

    def _decided(self) -> str | None:
        """Return the generation that is live; None while a transaction decides about another."""
        live = named_by(self.site.live)
        if live in {self.ours, self.foreign}:
            return live
        try:
            with transaction(self.site, wait=0):
                return named_by(self.site.live)
        except PassthruError:
            return None

    def _rotate(self, master: int) -> None:
        if rotate_logs(self.site, master, limit=self.rotate_bytes):
            logger.info("rotated the logs")


def _told(fault: PassthruError) -> str:
    """Return all that an error says, its lines after the first."""
    text = f"{fault.message}; {fault.hint}" if fault.hint else fault.message
    lines = fault.lines if isinstance(fault, NginxError) else ()
    return "\n  ".join((text, *lines))
