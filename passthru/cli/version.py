"""`passthru version`: what is running here, for bug reports and scripts."""

# ruff: noqa: PLC0415 - heavy imports wait until the command runs: help is to be fast

import dataclasses
import platform

import click

from passthru import __version__
from passthru.cli.options import json_option
from passthru.cli.output import print_record
from passthru.errors import NginxError


@click.command
@json_option
def version(*, as_json: bool) -> None:
    """Print the versions of passthru, Python and nginx.

    An nginx that is missing or too old is named as such, and is no failure.
    """
    from passthru.nginx.process import find_nginx, read_capabilities

    trouble = binary = capabilities = None
    try:
        binary = find_nginx()
        capabilities = read_capabilities(binary)
    except NginxError as error:
        trouble = error.message
    facts = dataclasses.asdict(capabilities) if capabilities else None
    if as_json:
        print_record(
            {
                "passthru": __version__,
                "python": platform.python_version(),
                "nginx": {
                    "binary": binary,
                    "version": facts.pop("version") if facts else None,
                    "capabilities": facts,
                    "problem": trouble,
                },
            }
        )
        return
    click.echo(f"passthru {__version__}")
    click.echo(f"python   {platform.python_version()}")
    if facts is None:
        click.echo(f"nginx    none: {trouble}")
        return
    click.echo(f"nginx    {facts.pop('version')} ({binary})")
    names = [name for name, can in facts.items() if can is True]
    click.echo(f"         with {', '.join(names)}")
