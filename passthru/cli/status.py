"""`passthru status`: what a running instance does, in a terminal."""

# ruff: noqa: PLC0415 - heavy imports wait until the command runs: help is to be fast

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from passthru.cli.options import json_option, spec_argument
from passthru.errors import NotRunningError

if TYPE_CHECKING:
    from pathlib import Path

    from passthru.cli.figures import Figures
    from passthru.nginx.site import Site


@click.command
@spec_argument
@json_option
@click.option("--watch", is_flag=True, help="Show it again every 2 seconds, until Ctrl-C")
@click.option("--no-header", is_flag=True, help="Leave out the heads of the tables")
def status(spec: Path | None, *, as_json: bool, watch: bool, no_header: bool) -> None:
    """Show what the running instance does.

    How it is, what it saves, how full it is, how its upstreams are, what it did last: the figures
    of the status page, asked of the exporter itself, so that nobody need be allowed to see that page.
    With --json, prints the snapshot as it comes; with --watch too, one in a line each time.
    Ends with 4 when nothing runs, and when it runs without figures.
    """
    from passthru.cli.kept import find_kept
    from passthru.cli.watching import show, watch_figures

    kept = find_kept(spec)
    page = kept.spec.status.path

    def look() -> Figures:
        from passthru.cli.figures import find_snapshot

        try:
            return find_snapshot(kept.site, page)
        except NotRunningError as error:
            raise _without_figures(kept.site, error, enabled=kept.spec.status.enable) from error

    try:
        figures = look()
    except _NoFiguresError as error:
        if not as_json:
            click.echo(error.known)
        raise
    if watch:
        watch_figures(look, figures, as_json=as_json, header=not no_header)
    elif as_json:
        click.echo(json.dumps(json.loads(figures.text), indent=2))
    else:
        show(figures.snapshot, header=not no_header)


class _NoFiguresError(NotRunningError):
    """The instance serves, and its exporter does not answer; `known` is what nginx tells."""

    known: str = ""


def _without_figures(site: Site, error: NotRunningError, *, enabled: bool) -> NotRunningError:
    """Return the error to raise: nobody is there at all, or nginx alone is."""
    from passthru.cli.figures import find_connections
    from passthru.nginx.health import ask_health

    try:
        health = ask_health(site)
    except NotRunningError as nobody:
        return nobody
    told = _NoFiguresError(
        f"the cache serves, and there are no figures: {error.message}",
        hint=error.hint
        or (
            "see what `passthru exporter` says; `passthru up` runs it, and `passthru doctor` looks"
            if enabled
            else "write enable = true in [status], then run `passthru apply`"
        ),
    )
    told.known = f"nginx serves generation {health.generation} of passthru {health.version}"
    connections = find_connections(site)
    if connections is not None:
        told.known += f": {connections.active} connections, {connections.requests} requests so far"
    return told
