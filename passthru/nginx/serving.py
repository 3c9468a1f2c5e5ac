"""One instance from start to end: nginx and its siblings run inside a `with`, and not after it."""

import logging
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from passthru.errors import NginxError, PassthruError
from passthru.nginx.apply import Step, ignore, keep, place
from passthru.nginx.children import Child, Running, adopting_orphans, start, stop_all
from passthru.nginx.directories import clear_stale, prepare_directories
from passthru.nginx.errorlog import Mark, complaints, complaints_since, mark_end
from passthru.nginx.generation import named_by, point, unpoint
from passthru.nginx.health import check_socket_path, is_live
from passthru.nginx.lock import only_instance, transaction
from passthru.nginx.patience import wait_until
from passthru.nginx.process import listen_error, master_argv
from passthru.nginx.record import record_success
from passthru.nginx.rendering import Rendering
from passthru.nginx.rest import Rest
from passthru.nginx.site import Site
from passthru.nginx.storage import explained

GRACE: Final = 5.0
"""Seconds that downloads in flight have to end when we are told to stop."""

_MOST_BYTES: Final = 65536

logger: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Crew:
    """The children of one instance; the first is nginx."""

    site: Site
    members: list[Running]
    log_before: Mark
    held: int
    children: Sequence[Child]
    """Those that run beside nginx, or will when there is work for them."""

    rests: dict[str, Rest] = field(default_factory=dict)
    """Those that were started and may be again, by name."""

    frozen: set[int] = field(default_factory=set)
    """Those that were killed because they gave no sign of life, by process id."""

    @property
    def master(self) -> int:
        """The process id of the nginx master."""
        return self.members[0].pid

    def check(self) -> None:
        """Raise NginxError or PassthruError if one of them has ended.

        A spare one is let go, and so is one that we killed because it was frozen.
        """
        for one in tuple(self.members):
            how = one.ended()
            if how is None:
                self._wake(one)
                continue
            if one is self.members[0]:
                lines = complaints_since(f"{self.site.logs}/error.log", self.log_before)
                raise NginxError(f"nginx died: {how}", lines=lines[-5:])
            if not one.child.is_spare and one.pid not in self.frozen:
                raise PassthruError(f"{one.child.name} died: {how}")
            self.frozen.discard(one.pid)
            stop_all([one], grace=0)
            self.members.remove(one)
            with suppress(OSError):
                one.child.bury()
            self._let_rest(one.child, how)

    def _wake(self, one: Running) -> None:
        if one.pid not in self.frozen and one.wake():
            self.frozen.add(one.pid)
            logger.warning(
                "%s gave no sign of life for %.0f s: it is killed",
                one.child.name,
                one.child.patience,
            )

    def call(self) -> None:
        """Start the children that are wanted by now; raises PassthruError."""
        running = [one.child for one in self.members]
        for child in self.children:
            if child not in running and child.is_wanted():
                self._start(child)

    def _start(self, child: Child) -> None:
        now = time.monotonic()
        if not self.rests.setdefault(child.name, Rest(now)).is_over(now):
            return
        try:
            self.members.append(start(child, keep_open=self.held))
        except PassthruError as fault:
            if not child.is_spare:
                raise
            self._let_rest(child, fault.message)

    def _let_rest(self, child: Child, why: str) -> None:
        seconds = self.rests[child.name].begin(time.monotonic())
        logger.warning("%s died: %s; it is started again in %.0f s", child.name, why, seconds)

    def await_ready(self, *, seconds: float, step: Callable[[Step], None]) -> None:
        """Wait for the started ones to do their work; one that has ended is not waited for."""

        def is_decided() -> bool:
            step(Step.WAITING)
            return all(one.child.is_ready() or one.ended() is not None for one in self.members)

        if not wait_until(is_decided, seconds=seconds):
            late = ", ".join(one.child.name for one in self.members if not one.child.is_ready())
            logger.warning("not ready after %.0f s: %s", seconds, late)


@contextmanager
def serving(
    rendering: Rendering,
    site: Site,
    *,
    binary: str,
    user: str | None = None,
    children: Sequence[Child] = (),
    wait: float = 10.0,
    grace: float = GRACE,
    step: Callable[[Step], None] = ignore,
    hurry: Callable[[], bool] = lambda: False,
) -> Iterator[Crew]:
    """Serve `rendering` inside the `with`; nothing of it runs afterwards, whatever happens.

    nginx has `wait` seconds to answer with the generation, and then the `children` are started and
    have `wait` seconds to be ready; those without work yet wait for a call.
    `user` is the workers' user when we are root. At the end there are `grace` seconds for requests
    in flight, unless `hurry` comes true. Not for a thread that ends first: its end is nginx's.
    Raises ListenError, NginxError with nginx's lines, or PassthruError, and serves nothing then:
    not an older generation either, which would hide that the spec is wrong.
    """
    check_socket_path(site)
    prepare_directories(site, user=user)
    with only_instance(site) as held, adopting_orphans():
        clear_stale(site, sidecars=bool(children))
        members: list[Running] = []
        try:
            mark = mark_end(f"{site.logs}/error.log")  # what this one says, no earlier one
            with transaction(site, waiting=lambda: step(Step.WAITING)):
                members.append(_Start(rendering, site, binary, held, wait, step).run())
            crew = Crew(site, members, mark, held, children)
            crew.call()
            crew.await_ready(seconds=wait, step=step)
            yield crew
        finally:
            stop_all(members, grace=grace, hurry=hurry)
            with suppress(PassthruError):
                clear_stale(site, sidecars=bool(children))


@dataclass(frozen=True, slots=True)
class _Start:
    """The transaction that makes a site's first generation live."""

    rendering: Rendering
    site: Site
    binary: str
    held: int
    wait: float
    step: Callable[[Step], None]

    def run(self) -> Running:
        before = named_by(self.site.live)
        with explained("cannot write the configuration"):
            place(self.rendering, self.site, binary=self.binary, step=self.step)
        try:
            running = self._launch()
        except BaseException:
            with suppress(OSError):
                unpoint(self.site.live) if before is None else point(self.site.live, before)
            raise
        keep(self.site, self.rendering.generation, step=self.step)
        record_success(self.site, self.rendering.generation)
        return running

    def _launch(self) -> Running:
        argv = master_argv(self.binary, self.site)
        mark = mark_end(f"{self.site.logs}/error.log")
        said = os.memfd_create("nginx-stderr", os.MFD_CLOEXEC)
        try:
            running = start(
                Child("nginx", argv, stop_signal=signal.SIGQUIT), keep_open=self.held, stderr=said
            )
            try:
                self._await_live(running, said, mark)
            except BaseException:
                stop_all([running], grace=0)
                raise
        finally:
            os.close(said)
        return running

    def _await_live(self, running: Running, said: int, mark: Mark) -> None:
        generation = self.rendering.generation
        timeout = min(1.0, self.wait)

        def is_decided() -> bool:
            self.step(Step.WAITING)
            return running.ended() is not None or is_live(self.site, generation, timeout=timeout)

        decided = wait_until(is_decided, seconds=self.wait)
        how = running.ended()
        if decided and how is None:
            self.step(Step.SEEN)
            return
        printed = complaints(os.pread(said, _MOST_BYTES, 0).decode(errors="replace"))
        lines = printed or complaints_since(f"{self.site.logs}/error.log", mark)
        if how is not None:
            raise listen_error(lines) or NginxError(f"nginx did not start: {how}", lines=lines)
        raise NginxError(
            f"nginx runs, but did not serve generation {generation} within {self.wait:.0f} s",
            lines=lines,
        )
