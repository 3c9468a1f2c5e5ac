"""`passthru tunnel`: the way to upstreams behind a proxy, beside an nginx that knows none."""

# ruff: noqa: PLC0415 - heavy imports wait until the command runs: help is to be fast

from __future__ import annotations

import logging
import signal
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from passthru.cli.instance import describe_source, read_spec
from passthru.cli.options import spec_argument
from passthru.cli.ourselves import ourselves
from passthru.cli.output import say

if TYPE_CHECKING:
    from passthru.nginx.children import Child
    from passthru.nginx.site import Site


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

    from passthru.upstreams.serving import ListFile, serve

    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="passthru tunnel: %(message)s"
    )
    if list_file is not None:
        if spec is not None:
            raise click.UsageError(
                "SPEC and --list exclude each other", click.get_current_context()
            )
        asyncio.run(serve(ListFile(list_file.absolute())))
        return
    from passthru.nginx.notify import notify_ready

    source = _SpecSource(spec)
    asyncio.run(serve(source, on_ready=lambda: notify_ready("leading through the proxies")))


class _SpecSource:
    """The tunnels of a spec; it changes only when it is read again."""

    def __init__(self, given: Path | None) -> None:
        source, _spec = read_spec(given)  # a bad spec ends the command, not only the list
        say(describe_source(source))
        self._source = source and source.absolute()

    def stamp(self) -> object:
        return None

    def read(self) -> str:
        from passthru.nginx.plan import site_of
        from passthru.nginx.survey import look_at_machine
        from passthru.nginx.tunnels import plan_tunnels, write_tunnels

        _source, spec = read_spec(self._source)
        return write_tunnels(plan_tunnels(spec, site_of(spec, look_at_machine())))


def tunnel_child(site: Site) -> Child:
    """Return the child that leads through the proxies of whatever generation is live."""
    from passthru.nginx.children import Child
    from passthru.nginx.tunnels import TUNNELS
    from passthru.upstreams.tunnel import are_open

    path = f"{site.live}/{TUNNELS}"
    return Child(
        name="tunnel",
        argv=(*ourselves(), "tunnel", "--list", path),
        stop_signal=signal.SIGQUIT,  # nginx's downloads in flight need it to their end
        only_with=path,
        is_ready=partial(are_open, path),
    )
