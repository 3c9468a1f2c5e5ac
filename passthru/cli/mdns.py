"""`passthru mdns`: the cache and its neighbours, known to each other by mDNS."""

# ruff: noqa: PLC0415 - heavy imports wait until the command runs: help is to be fast

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from passthru.cli.options import spec_argument
from passthru.cli.ourselves import ourselves
from passthru.cli.sidecar import SpecSource, log_as, make_sign

if TYPE_CHECKING:
    from passthru.lan.serving import Place
    from passthru.nginx.children import Child
    from passthru.nginx.machine import Machine
    from passthru.nginx.site import Site
    from passthru.sidecar.source import Source
    from passthru.spec import Spec


@click.command
@spec_argument
@click.option(
    "--live",
    metavar="STATE",
    type=click.Path(file_okay=False, path_type=Path),
    hidden=True,
    help="Take what to do from the live rendering below a state directory, and follow its changes",
)
@click.option(
    "--runtime",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    hidden=True,
    help="The runtime directory that belongs to it",
)
def mdns(spec: Path | None, live: Path | None, runtime: Path | None) -> None:
    """Announce the cache of a spec on the LAN, until a signal.

    Announces it only while it answers, on the interfaces that the spec names.
    Writes what other caches are heard to neighbours.json in the runtime directory.
    With lan.follow, leads nginx to those of them that are well.
    `passthru up` runs this itself; it is a command for an nginx that is run by others.
    SIGHUP reads the spec again. SIGTERM says goodbye and ends it.
    """
    import asyncio

    from passthru.lan.serving import serve
    from passthru.nginx.lan import LAN, plan_lan, write_lan
    from passthru.nginx.notify import notify_ready
    from passthru.nginx.site import Site
    from passthru.sidecar.source import LiveFile

    log_as("mdns")

    def follow(source: Source, site: Site) -> None:
        on_ready = partial(notify_ready, "on the LAN by mDNS")
        asyncio.run(serve(source, place_of(site), on_ready=on_ready, alive=make_sign()))

    if live is not None and runtime is not None:
        site = Site(state=str(live.absolute()), runtime=str(runtime.absolute()), cache="")
        follow(LiveFile(Path(site.live, LAN)), site)
        return

    def write(spec: Spec, machine: Machine) -> str:
        return write_lan(plan_lan(spec, machine, source.site))

    source = SpecSource(spec, write)
    follow(source, source.site)


def place_of(site: Site) -> Place:
    """Return where an instance keeps what concerns the LAN, and how to ask whether it answers."""
    from passthru.lan.serving import Place
    from passthru.nginx.health import is_well

    return Place(
        identity=Path(site.identity),
        neighbours=Path(site.neighbours),
        is_healthy=lambda: is_well(site, timeout=2.0),
    )


def mdns_child(site: Site) -> Child:
    """Return the child that does what the live generation wants on the LAN."""
    from passthru.nginx.children import Child
    from passthru.nginx.lan import LAN
    from passthru.nginx.pulse import SILENCE

    return Child(
        name="mdns",
        argv=(*ourselves(), "mdns", "--live", site.state, "--runtime", site.runtime),
        only_with=f"{site.live}/{LAN}",
        is_spare=True,
        patience=SILENCE,
    )
