"""Rendering for a machine that is not this one, and what is left to do on it."""

# ruff: noqa: PLC0415 - heavy imports wait until the command runs: help is to be fast

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from passthru.nginx.capabilities import Capabilities
    from passthru.nginx.machine import Machine
    from passthru.spec import Spec


def machine_elsewhere(path: Path, spec: Spec, capabilities: Capabilities) -> Machine:
    """Return the machine of a file; raises SpecError, and RenderError for names without address."""
    from passthru.cli.machine_file import read_machine
    from passthru.nginx.late import refuse_unknown_hosts
    from passthru.nginx.names import hosts_to_look_up

    machine = read_machine(path)
    refuse_unknown_hosts(hosts_to_look_up(spec, capabilities, hosts_file=""), machine)
    return machine


def late_files(spec: Spec, capabilities: Capabilities, machine: Machine) -> Mapping[str, str]:
    """Return the files that a rendering for `machine` leaves to this one, which is that machine.

    Raises SpecError for credentials that cannot be used.
    """
    from passthru.nginx.credentials import read_credentials
    from passthru.nginx.plan import make_plan
    from passthru.nginx.render import render_late
    from passthru.nginx.survey import look_at_machine

    here = look_at_machine(credentials=read_credentials(spec))
    plan = make_plan(spec, capabilities, replace(machine, credentials=here.credentials))
    return render_late(
        replace(
            plan,
            resolvers=here.resolvers or plan.resolvers,
            ipv6_route=here.ipv6_route and plan.ipv6_route,
        )
    )
