"""`passthru snippet`: the text that a client pastes."""

# ruff: noqa: PLC0415 - heavy imports wait until the command runs: help is to be fast

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import click

from passthru.cli.instance import read_spec
from passthru.cli.options import spec_argument

if TYPE_CHECKING:
    from pathlib import Path

    from passthru.spec import Spec

# Written out, and held equal to passthru.nginx.snippet.KINDS by a test: help must not import it.
_KINDS = ("nix-conf", "nixos", "flake", "darwin", "ci", "command")

# What needs no quotes in Nix, in YAML and in a shell; a store's parameter may follow.
_URL: Final = re.compile(
    r"https?://[A-Za-z0-9.:\[\]-]+(?:/[A-Za-z0-9._~/-]*)?(?:\?[A-Za-z0-9=_.-]+)?"
)


def _check_url(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> str | None:
    if value is not None and not _URL.fullmatch(value):
        raise click.BadParameter(f"{value!r} is not a URL such as http://cache.example.org:8080")
    return value


@click.command
@click.argument("kind", type=click.Choice(_KINDS))
@spec_argument
@click.option(
    "--url",
    metavar="URL",
    callback=_check_url,
    help="Use this address in place of the one in the spec",
)
def snippet(kind: str, spec: Path | None, url: str | None) -> None:
    """Print what a client pastes to use this cache.

    Nothing but the snippet is printed.
    Keys are in it only for upstreams other than cache.nixos.org: signatures pass through, so the
    cache has no key of its own.
    """
    from passthru.nginx.snippet import snippets

    _source, wanted = read_spec(spec)
    keys = tuple(key for upstream in wanted.upstreams for key in upstream.public_keys)
    click.echo(snippets(url.rstrip("/") if url else _address(wanted), keys)[kind], nl=False)


def _address(spec: Spec) -> str:
    """Return the URL that clients reach this cache by; nginx need not be there."""
    from passthru.nginx.listening import address_of
    from passthru.nginx.survey import look_at_machine

    return address_of(spec, look_at_machine())
