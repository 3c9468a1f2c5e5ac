"""`passthru explain`: where one object stands in the cache."""

# ruff: noqa: PLC0415 - heavy imports wait until the command runs: help is to be fast

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from passthru.cli.options import json_option, spec_argument
from passthru.cli.output import print_record

if TYPE_CHECKING:
    from pathlib import Path

PROBLEMS_FOUND = 3


@click.command
@click.argument("object")
@spec_argument
@json_option
@click.option("--verify", is_flag=True, help="Read a stored NAR, and compare its hash")
@click.pass_context
def explain(
    context: click.Context,
    object: str,  # noqa: A002 - the help calls it so
    spec: Path | None,
    *,
    as_json: bool,
    verify: bool,
) -> None:
    """Tell where an object stands in the cache.

    OBJECT is a store path, its hash, or a URL: /nix/store/HASH-NAME, HASH.narinfo, nar/FILE, log/DRV.
    Shows each upstream's entry in the order they are asked, whether it is fresh, where its file is,
    and what becomes of the next request; for a narinfo also the NAR that it names.
    Reads the cache's files, so that nginx need not run; asks nobody, and changes nothing.
    Ends with 3 when what is stored is cut short, or not what its narinfo says.
    """
    from passthru.cli.account import give_account
    from passthru.cli.account_text import account_lines, account_record
    from passthru.cli.kept import find_kept

    kept = find_kept(spec)
    account = give_account(kept, kept.target_of(object), now=time.time(), verify=verify)
    if as_json:
        print_record(account_record(account))
    else:
        for line in account_lines(account, spec):
            click.echo(line)
    context.exit(PROBLEMS_FOUND if account.is_wrong else 0)
