"""From what was typed to what will run: the spec, nginx, the plan and its rendering.

Everything heavy is imported inside the functions, so that `--help` and completions stay fast.
"""

# ruff: noqa: PLC0415 - heavy imports wait until the command runs: help is to be fast

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from passthru.errors import PassthruError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passthru.nginx.capabilities import Capabilities
    from passthru.nginx.machine import Machine
    from passthru.nginx.plan import Plan
    from passthru.nginx.rendering import Rendering
    from passthru.spec import Spec


LOOKUP_PATIENCE: Final = 2.0
"""Seconds to wait for name servers; without an answer we go on without an address."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance as its spec wants it, on this machine, with this nginx."""

    source: Path | None
    """The file the spec came from; None when there is none, and all is default."""

    spec: Spec
    binary: str
    plan: Plan
    rendering: Rendering


def find_spec(
    given: Path | None,
    *,
    environment: Mapping[str, str] = os.environ,
    here: Path | None = None,
    etc: Path = Path("/etc"),
) -> Path | None:
    """Return the spec to read: `given`, $PASSTHRU_SPEC, or the first that exists of the usual."""
    named = given or environment.get("PASSTHRU_SPEC")
    if named:
        return Path(named)
    home = environment.get("HOME") or "/"
    config = Path(environment.get("XDG_CONFIG_HOME") or Path(home, ".config"))
    usual = (
        (here or _working_directory()) / "passthru.toml",
        config / "passthru" / "passthru.toml",
        etc / "passthru" / "passthru.toml",
    )
    return next((path for path in usual if path.is_file()), None)


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise PassthruError(
            "the working directory has been removed", hint="go to another one, with cd"
        ) from None


def read_spec(given: Path | None) -> tuple[Path | None, Spec]:
    """Return the spec and where it came from; raises SpecError."""
    from passthru.spec import load_spec

    source = find_spec(given)
    return source, load_spec(source)


def prepare(given: Path | None) -> Instance:
    """Read, look and plan; raises SpecError, NginxError and RenderError."""
    from passthru.nginx.plan import make_plan
    from passthru.nginx.process import find_nginx, read_capabilities
    from passthru.nginx.render import render

    source, spec = read_spec(given)
    binary = find_nginx()
    capabilities = read_capabilities(binary)
    plan = make_plan(spec, capabilities, survey(spec, capabilities))
    return Instance(source, spec, binary, plan, render(plan))


def survey(spec: Spec, capabilities: Capabilities, *, patience: float = LOOKUP_PATIENCE) -> Machine:
    """Look at this machine, and look up the names that this nginx cannot, for `patience` s."""
    from passthru.nginx.credentials import read_credentials
    from passthru.nginx.names import Names
    from passthru.nginx.survey import look_at_machine

    names = Names(hosts_of(spec, capabilities))
    names.refresh(wait=patience)
    machine = look_at_machine(names.addresses, credentials=read_credentials(spec))
    return with_disk(machine, spec)


def with_disk(machine: Machine, spec: Spec) -> Machine:
    """Add what the disk of the cache is good for just now."""
    from passthru.nginx.disk import look_at_disk
    from passthru.nginx.plan import site_of

    directory = site_of(spec, machine).cache
    disk = look_at_disk(directory, min_free=spec.cache.min_free, user=machine.user)
    return replace(machine, disk=disk)


def hosts_of(spec: Spec, capabilities: Capabilities) -> tuple[str, ...]:
    """Return the upstream hosts that we must look up, because this nginx cannot."""
    from passthru.nginx.names import hosts_to_look_up

    try:
        listed = Path("/etc/hosts").read_text(encoding="utf-8", errors="replace")
    except OSError:
        listed = ""
    return hosts_to_look_up(spec, capabilities, listed)


def describe_source(source: Path | None) -> str:
    """Say which spec was taken."""
    return f"spec {source}" if source else "no spec found, so all defaults"
