"""`passthru up`: run an instance in the foreground."""

# ruff: noqa: PLC0415 - heavy imports wait until the command runs: help is to be fast

from __future__ import annotations

import logging
import sys
import time
from typing import TYPE_CHECKING

import click

from passthru.cli.instance import describe_source
from passthru.cli.options import spec_argument
from passthru.cli.output import say

if TYPE_CHECKING:
    from pathlib import Path

    from passthru.cli.instance import Instance


@click.command
@spec_argument
@click.option(
    "--no-sidecars", is_flag=True, help="Run nginx alone: units of their own run what is beside it"
)
def up(spec: Path | None, *, no_sidecars: bool) -> None:
    """Run passthru in the foreground, until a signal.

    Runs nginx, and beside it what is needed of its sidecars: tunnel, fills, hot, exporter and mdns.
    Says where it serves, and prints what clients paste.
    SIGHUP reads the spec again and applies it, SIGUSR1 reopens the logs.
    SIGTERM and Ctrl-C let downloads in flight end for a moment; a second one does not.
    """
    from passthru.cli.exporter import exporter_child
    from passthru.cli.fills import fills_child
    from passthru.cli.hot import hot_child
    from passthru.cli.mdns import mdns_child
    from passthru.cli.tunnel import tunnel_child
    from passthru.cli.watched import Watched
    from passthru.nginx.supervise import run
    from passthru.nginx.sweep import last_sign, take_sign_back

    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="passthru: %(message)s")
    watched = Watched(spec)
    instance = watched.instance
    say(describe_source(instance.source))
    site = instance.plan.site
    died, started = last_sign(site), time.time()
    sidecars = (tunnel_child, fills_child, hot_child, exporter_child, mdns_child)
    run(
        instance.rendering,
        site,
        binary=instance.binary,
        user=watched.user,
        children=() if no_sidecars else tuple(child(site) for child in sidecars),
        make_rendering=watched.reread,
        tick=watched.tick,
        adopt=watched.adopt,
        on_ready=lambda: _begin(instance, died=died, started=started),
    )
    take_sign_back(site)


def _begin(instance: Instance, *, died: float | None, started: float) -> None:
    """Say that it serves, and look through what an earlier life left, beside the work."""
    from threading import Thread

    from passthru.nginx.sweep import DOUBT_SECONDS, give_sign, sweep

    _announce(instance)
    give_sign(instance.plan.site)
    zones = instance.plan.zones
    doubt_since = None if died is None else died - DOUBT_SECONDS
    Thread(
        target=sweep,
        args=((zones.metadata, zones.nar),),
        kwargs={"started": started, "doubt_since": doubt_since},
        daemon=True,
    ).start()


def _announce(instance: Instance) -> None:
    """Print the line that says where it serves, and on stderr what to paste."""
    from passthru.nginx.snippet import snippets

    plan = instance.plan
    upstreams = ", ".join(f"{upstream.name} ({upstream.url})" for upstream in plan.upstreams)
    click.echo(f"serving {plan.address} from {upstreams}")
    say(f"\n{snippets(plan.address, plan.public_keys)['nix-conf']}")
