"""`passthru tunnel`: the way to upstreams behind a proxy, beside an nginx that knows none."""

# ruff: noqa: PLC0415 - heavy imports wait until the command runs: help is to be fast

from __future__ import annotations

import signal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from passthru.cli.options import spec_argument
from passthru.cli.ourselves import ourselves
from passthru.cli.sidecar import SpecSource, log_as, make_sign, tell_waiting

if TYPE_CHECKING:
    from passthru.nginx.children import Child
    from passthru.nginx.machine import Machine
    from passthru.nginx.site import Site
    from passthru.spec import Spec


@click.command
@spec_argument
@click.option(
    "--list",
    "list_file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Take the tunnels from a rendered tunnels.json, and follow its changes",
)
def tunnel(spec: Path | None, list_file: Path | None) -> None:
    """Lead nginx through the proxies of a spec, until a signal.

    Opens a unix socket for each upstream that has a proxy, and carries bytes between nginx and it.
    `passthru up` runs this itself; it is a command for an nginx that is run by others.
    SIGHUP reads the spec again.
    SIGTERM ends it at once, SIGQUIT when no connection is left.
    """
    import asyncio

    from passthru.nginx.notify import notify_ready
    from passthru.sidecar.source import LiveFile
    from passthru.upstreams.serving import serve

    log_as("tunnel")
    if list_file is not None and spec is not None:
        raise click.UsageError("SPEC and --list exclude each other", click.get_current_context())
    if list_file is not None:
        tell_waiting(list_file.absolute())
    source = LiveFile(list_file.absolute()) if list_file else SpecSource(spec, _write)
    asyncio.run(
        serve(
            source,
            on_ready=lambda: notify_ready("leading through the proxies"),
            alive=make_sign(),
        )
    )


def _write(spec: Spec, machine: Machine) -> str:
    from passthru.nginx.plan import site_of
    from passthru.nginx.tunnels import plan_tunnels, write_tunnels

    return write_tunnels(plan_tunnels(spec, site_of(spec, machine)))


def tunnel_child(site: Site) -> Child:
    """Return the child that leads through the proxies of whatever generation is live."""
    from passthru.nginx.children import Child
    from passthru.nginx.pulse import SILENCE
    from passthru.nginx.tunnels import TUNNELS
    from passthru.upstreams.tunnel import are_open

    path = f"{site.live}/{TUNNELS}"
    return Child(
        name="tunnel",
        argv=(*ourselves(), "tunnel", "--list", path),
        stop_signal=signal.SIGQUIT,  # nginx's downloads in flight need it to their end
        only_with=path,
        patience=SILENCE,
        is_ready=partial(are_open, path),
    )
