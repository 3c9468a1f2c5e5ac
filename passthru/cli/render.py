"""`passthru render`: the nginx configuration that a spec becomes."""

# ruff: noqa: PLC0415 - heavy imports wait until the command runs: help is to be fast

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from passthru.cli.files import SECRET, write_files
from passthru.cli.instance import read_spec, survey
from passthru.cli.options import spec_argument
from passthru.cli.output import say
from passthru.errors import NginxError, PassthruError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from passthru.nginx.capabilities import Capabilities
    from passthru.nginx.rendering import Rendering

FILES = ("nginx.conf", "http.conf", "server.conf", "facts.json", "pages/index.html")


@click.command
@spec_argument
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write all files into a directory, to be used from there",
)
@click.option(
    "--file",
    "name",
    type=click.Choice(FILES),
    metavar="NAME",
    default="nginx.conf",
    help="Print another file: http.conf, server.conf, facts.json or pages/index.html",
)
@click.option("--diff", is_flag=True, help="Print what would change against the live configuration")
@click.option(
    "--nginx-v",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Render for another nginx: FILE holds what its `nginx -V` prints",
)
@click.option(
    "--machine",
    "facts",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Render for another machine: FILE holds its facts, in JSON",
)
@click.option("--late", is_flag=True, help="Write only what a rendering with --machine left undone")
def render(
    spec: Path | None,
    out: Path | None,
    name: str,
    *,
    diff: bool,
    nginx_v: Path | None,
    facts: Path | None,
    late: bool,
) -> None:
    """Print or write the nginx configuration of a spec.

    Prints nginx.conf; with --out, writes it and the files it includes, and prints nothing.
    http.conf and server.conf are the same in two pieces, for an nginx that others configure too.
    The same spec, machine and nginx give the same bytes.

    With --machine, nothing is asked of the machine this runs on, and no secret is read.
    The machine it is for writes the rest with --late: its name servers, where FILE has none, and
    what it sends to upstreams that want credentials.
    """
    if out and diff:
        raise click.UsageError("--out and --diff exclude each other", click.get_current_context())
    if late and not (out and facts):
        raise click.UsageError("--late needs --machine and --out", click.get_current_context())
    from passthru.cli.elsewhere import late_files, machine_elsewhere
    from passthru.nginx.plan import make_plan
    from passthru.nginx.render import render as render_plan

    _source, wanted = read_spec(spec)
    capabilities = _capabilities(nginx_v)
    if facts:
        machine = machine_elsewhere(facts, wanted, capabilities)
    else:
        machine = survey(wanted, capabilities)
    if out and late:
        write_files(late_files(wanted, capabilities, machine), out)
        return
    for host, addresses in machine.addresses.items():
        say(
            f"note: this nginx cannot look up {host}; as of now: {' '.join(addresses) or 'unknown'}"
        )
    home = str(out.absolute()) if out else None
    plan = make_plan(wanted, capabilities, machine, home=home)
    rendering = render_plan(plan)
    if out:
        write_files(rendering.files, out)
        say(f"wrote generation {rendering.generation} to {out}")
    elif diff:
        for line in difference(rendering, Path(plan.site.live)):
            click.echo(line, nl=False)
    elif name not in rendering.files:
        raise PassthruError(
            f"{name} is not rendered: nothing runs that would read it",
            hint="write enable = true in [status]",
        )
    else:
        click.echo(rendering.files[name], nl=False)


def difference(rendering: Rendering, live: Path) -> Iterator[str]:
    """Yield the lines of a unified diff from the files in `live` to those of `rendering`.

    A generation without a folder is one that never ran: all its lines are new. What may hold
    passwords is left out.
    """
    for name, text in rendering.files.items():
        if name in SECRET:
            continue
        path = live / name
        try:
            old = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            old = ""
        except PermissionError as error:
            raise PassthruError(
                f"may not read {path}", hint="run this as the user that runs passthru"
            ) from error
        yield from difflib.unified_diff(
            old.splitlines(keepends=True),
            text.splitlines(keepends=True),
            fromfile=f"live/{name}" if old else "/dev/null",
            tofile=f"{rendering.generation}/{name}",
        )


def _capabilities(nginx_v: Path | None) -> Capabilities:
    """Return what the nginx of this machine can do, or the one that `nginx_v` tells of."""
    from passthru.nginx.capabilities import parse_capabilities
    from passthru.nginx.process import find_nginx, read_capabilities

    if nginx_v:
        try:
            return parse_capabilities(nginx_v.read_text(encoding="utf-8", errors="replace"))
        except NginxError as error:
            error.hint = "write the file with: nginx -V 2> FILE"
            raise
    return read_capabilities(find_nginx())
