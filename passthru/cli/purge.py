"""`passthru purge`: let the cache forget an object, so that it is fetched anew."""

# ruff: noqa: PLC0415 - heavy imports wait until the command runs: help is to be fast

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from passthru.cli.options import json_option
from passthru.cli.output import print_record, say, size, table
from passthru.errors import PassthruError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passthru.cli.removal import HotCopy, Removal


@click.command
@click.argument("object", nargs=-1, required=True)
@click.option(
    "--spec",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Take this spec",
)
@json_option
@click.option("--yes", is_flag=True, help="Do not ask")
@click.option("--dry-run", is_flag=True, help="Only print what would be removed")
def purge(
    object: tuple[str, ...],  # noqa: A002 - the help calls it so
    spec: Path | None,
    *,
    as_json: bool,
    yes: bool,
    dry_run: bool,
) -> None:
    """Remove objects from the cache, to have them fetched anew.

    Each OBJECT is a store path, its hash, or a URL: /nix/store/HASH-NAME, HASH.narinfo, nar/FILE.
    With a store path go its narinfo, its listing and the NAR that its narinfo names, of every
    upstream.
    Safe while nginx runs: the next request is a MISS, and downloads in flight go on.
    A narinfo that nginx has as a plain file takes a second.
    Asks first; without a terminal it needs --yes.
    """
    from passthru.cli.kept import find_kept
    from passthru.cli.removal import find_copies, find_removals, forget_copies, remove

    kept = find_kept(spec)
    targets = dict.fromkeys(kept.target_of(text) for text in object)
    found = find_removals(kept, tuple(targets), now=time.time())
    copies = find_copies(kept, targets)
    if not dry_run:
        _ask(found, copies, yes=yes or not (found or copies), as_json=as_json)
        found = remove(found)
        copies = forget_copies(kept, targets)
    if as_json:
        removed = [_record(removal) for removal in found]
        hot = [copy.path for copy in copies]
        print_record({"dryRun": dry_run, "removed": removed, "copies": hot})
        return
    if dry_run:
        _print(found, copies)
    sizes = [*(removal.size for removal in found), *(copy.size for copy in copies)]
    if not sizes:
        say("nothing of it is stored")
    else:
        done = "would remove" if dry_run else "removed"
        say(f"{done} {len(sizes)} file{'s' if len(sizes) > 1 else ''}, {size(sum(sizes))}")
    for removal in found:
        if removal.downloading:
            say(f"note: a download of {removal.key} is in flight, and is stored when it ends")


def _ask(found: Sequence[Removal], copies: Sequence[HotCopy], *, yes: bool, as_json: bool) -> None:
    """Go on only if somebody says so; raises PassthruError and Abort."""
    if yes:
        return
    if as_json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise PassthruError(
            "there is nobody to ask whether to remove it",
            hint="write --yes, or --dry-run to see what it would remove",
        )
    _print(found, copies)
    click.confirm("Remove these from the cache?", abort=True, err=True)


def _print(found: Sequence[Removal], copies: Sequence[HotCopy]) -> None:
    rows = [(removal.key, size(removal.size), removal.path) for removal in found]
    rows += [(f"hot: {copy.target}", size(copy.size), copy.path) for copy in copies]
    for line in table(rows, right=frozenset({1})) if rows else ():
        click.echo(line)


def _record(removal: Removal) -> dict[str, object]:
    return {
        "upstream": removal.upstream,
        "key": removal.key,
        "file": removal.path,
        "fileBytes": removal.size,
    }
