"""`passthru demo`: see a cache at work, without a network."""

# ruff: noqa: PLC0415 - heavy imports wait until the command runs: help is to be fast

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

import click

from passthru.cli.options import json_option
from passthru.cli.output import print_record, say, size, table
from passthru.errors import PassthruError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import FrameType

    from passthru.cli.showing import Pass


@click.command
@json_option
@click.option("--keep", is_flag=True, help="Keep the configuration, the logs and the cached files")
def demo(*, as_json: bool, keep: bool) -> None:
    """Show a cache at work, on this machine alone.

    Makes a small signed binary cache in memory and runs a passthru before it.
    Fetches everything through it three times, and checks every signature and hash: first nothing is
    there, then everything is, then the upstream is switched off.
    Needs nginx and no network; leaves nothing behind.
    """
    from passthru.cli.trial import trial_directory

    for number in (signal.SIGTERM, signal.SIGHUP):  # what was started is stopped then too
        signal.signal(number, _leave)
    with trial_directory(keep=keep) as folder:
        passes = _run(folder, quiet=as_json)
        broken = [text for one in passes if (text := one.broken_promise)]
        if as_json:
            _print_json(passes, broken, folder if keep else None)
        else:
            _print_text(passes)
            if keep:
                say(f"kept: {folder}")
        if broken and as_json:
            click.get_current_context().exit(1)
        if broken:
            raise PassthruError(
                "; ".join(broken), hint="look into the logs: `passthru demo --keep`"
            )
        if not as_json:
            say("next: passthru init && passthru up")


def _leave(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


def _run(folder: Path, *, quiet: bool) -> list[Pass]:
    """Return all passes, with a bar on a terminal meanwhile."""
    from passthru.cli.showing import PASSES, show
    from passthru.nix.demo_packages import demo_cache

    cache = demo_cache()
    paths = len(cache.paths)
    if quiet or not sys.stderr.isatty():
        return list(show(cache, folder))
    label = f"fetching {paths} store paths, {len(PASSES)} times"
    with click.progressbar(length=len(PASSES) * paths, label=label, file=sys.stderr) as bar:
        return list(show(cache, folder, on_path=lambda: bar.update(1)))


def _print_text(passes: Sequence[Pass]) -> None:
    rows = [("pass", "requests", "bytes", "answers", "from upstream", "time")]
    for one in passes:
        answers = ", ".join(f"{n} {status}" for status, n in sorted(one.fetched.statuses.items()))
        upstream = f"{one.upstream_requests} requests, {size(one.upstream_bytes)}"
        rows.append(
            (
                one.name,
                str(one.fetched.requests),
                size(one.fetched.bytes),
                answers,
                upstream if one.upstream_requests else "nothing",
                f"{one.seconds:.2f} s",
            )
        )
    click.echo("\n".join(table(rows, right=frozenset({1, 2, 5}))))
    say(f"{passes[0].fetched.paths} store paths; every signature and every hash holds")


def _print_json(passes: Sequence[Pass], broken: list[str], folder: Path | None) -> None:
    print_record(
        {
            "ok": not broken,
            "problems": broken,
            "storePaths": passes[0].fetched.paths,
            "directory": str(folder) if folder else None,
            "passes": [
                {
                    "name": one.name,
                    "requests": one.fetched.requests,
                    "bytes": one.fetched.bytes,
                    "cacheStatus": dict(one.fetched.statuses),
                    "upstreamRequests": one.upstream_requests,
                    "upstreamBytes": one.upstream_bytes,
                    "seconds": round(one.seconds, 3),
                }
                for one in passes
            ],
        }
    )
