"""The spec of a running instance and the world around it, read again when they change."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from passthru.cli.instance import LOOKUP_PATIENCE, Instance, hosts_of, read_spec, with_disk
from passthru.errors import PassthruError
from passthru.nginx.credentials import read_credentials
from passthru.nginx.disk import make_zones_again
from passthru.nginx.generation import named_by
from passthru.nginx.names import Names, other_hosts
from passthru.nginx.plan import make_plan
from passthru.nginx.process import find_nginx, read_capabilities
from passthru.nginx.render import render
from passthru.nginx.survey import look_at_machine
from passthru.nginx.sweep import give_sign

if TYPE_CHECKING:
    from pathlib import Path

    from passthru.nginx.disk import Disk
    from passthru.nginx.machine import Machine
    from passthru.nginx.rendering import Rendering
    from passthru.spec import Spec

LOOK_EVERY: Final = 10.0
"""Seconds between two looks at the machine."""

logger: Final = logging.getLogger(__name__)


@dataclass(slots=True)
class _View:
    """One spec, the world around it as of the last look, and what comes of both."""

    names: Names
    machine: Machine
    instance: Instance
    look_again: float


class Watched:
    """One instance; `instance` is the one that is live, or is to be made so first."""

    def __init__(self, given: Path | None) -> None:
        """Read the spec and look around; raises SpecError, NginxError and RenderError."""
        # The same file for life, even if a nearer one appears, and wherever we are then.
        source, spec = read_spec(given)
        self._source = source and source.absolute()
        self._binary = find_nginx()
        self._capabilities = read_capabilities(self._binary)
        self._offered: _View | None = None
        self._view = self._look(spec, Names(()))

    @property
    def instance(self) -> Instance:
        """The instance as its spec and the world want it."""
        self._settle()
        return self._view.instance

    @property
    def user(self) -> str | None:
        """The user of nginx's workers, if it is not ours."""
        return self._view.machine.user

    def reread(self) -> Rendering:
        """Read the spec again, and offer what comes of it: it counts once it is live.

        Raises as the constructor does, and PassthruError for a move.
        """
        old = self.instance
        if self._source and self._source.is_fifo():
            raise PassthruError(
                f"{self._source} is a pipe, and cannot be read again",
                hint="start `passthru up` with a file, or name one: `passthru apply SPEC`",
            )
        _source, spec = read_spec(self._source) if self._source else (None, old.spec)
        offered = self._look(spec, self._view.names)
        if offered.instance.plan.site != old.plan.site:
            raise PassthruError(
                "the directories of a running instance cannot change",
                hint="stop it, and start it again with `passthru up`",
            )
        self._offered = offered
        return offered.instance.rendering

    def adopt(self) -> None:
        """Go over to the spec offered last: another process made it live, as it sees the world."""
        if self._offered is not None:
            self._view, self._offered = self._offered, None

    def tick(self) -> Rendering | None:
        """Return a new rendering if the world around has changed; never blocks.

        That is where an upstream's name leads, the name servers, whether IPv6 leads anywhere, what
        credentials files hold, and whether the disk takes more. Zones that somebody removed are made
        again. Raises SpecError if a credentials file cannot be read any more.
        """
        self._settle()
        view = self._view
        spec = view.instance.spec
        zones = view.instance.plan.zones
        make_zones_again((zones.metadata, zones.nar), user=view.machine.user)
        fresh = view.names.refresh() or with_disk(view.machine, spec) != view.machine
        if not fresh and time.monotonic() < view.look_again:
            return None
        view.look_again = time.monotonic() + LOOK_EVERY
        give_sign(view.instance.plan.site)
        machine = _look_around(view.names, spec)
        if machine == view.machine:
            return None
        _tell(view.machine.disk, machine.disk, view.instance.plan.site.cache)
        view.machine, view.instance = machine, self._render(spec, machine)
        return view.instance.rendering

    def _settle(self) -> None:
        """Go over to the spec offered last if nginx took it; a refused one changes nothing here."""
        if self._offered is None:
            return
        instance = self._offered.instance
        if named_by(instance.plan.site.live) == instance.rendering.generation:
            self.adopt()

    def _look(self, spec: Spec, names: Names) -> _View:
        hosts = hosts_of(spec, self._capabilities)
        spare = other_hosts(spec, hosts)
        if {*hosts, *spare} != names.hosts:
            names = Names(hosts, spare=spare)
            names.refresh(wait=LOOKUP_PATIENCE)
        machine = _look_around(names, spec)
        look_again = time.monotonic() + LOOK_EVERY
        return _View(names, machine, self._render(spec, machine), look_again)

    def _render(self, spec: Spec, machine: Machine) -> Instance:
        plan = make_plan(spec, self._capabilities, machine)
        return Instance(self._source, spec, self._binary, plan, render(plan))


def _look_around(names: Names, spec: Spec) -> Machine:
    machine = look_at_machine(names.addresses, credentials=read_credentials(spec))
    return with_disk(machine, spec)


def _tell(before: Disk, now: Disk, directory: str) -> None:
    """Say what changed about the disk: an operator is to hear of it before the users do."""
    if before.writable != now.writable and before.readable == now.readable:
        logger.warning(
            "%s %s",
            directory,
            "takes files again"
            if now.writable
            else "is full or read-only: nothing new is stored, and what is stored is served",
        )
    if before.readable != now.readable:
        logger.warning(
            "%s %s",
            directory,
            "can be entered again"
            if now.readable
            else "cannot be entered by nginx's workers: everything is passed through",
        )
