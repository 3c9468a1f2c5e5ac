"""`passthru discover`: which caches this LAN has."""

# ruff: noqa: PLC0415 - heavy imports wait until the command runs: help is to be fast

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from passthru.cli.options import json_option
from passthru.cli.output import print_record, say, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from passthru.lan.neighbour import Neighbour

_HEAD: Final = ("NAME", "ADDRESS", "PRIORITY", "STORE", "KEYS", "LATENCY", "HEALTH")


@click.command
@json_option
@click.option("--watch", is_flag=True, help="Go on, and print the list again whenever it changes")
@click.option("--nix-conf", is_flag=True, help="Print the lines for nix.conf instead of the list")
@click.option(
    "--anywhere",
    is_flag=True,
    help="Also list caches whose address is not one of a private network",
)
@click.option(
    "--wait",
    "seconds",
    type=click.FloatRange(0.1, 60),
    default=2.5,
    show_default=True,
    metavar="SECONDS",
    help="How long to listen",
)
def discover(*, as_json: bool, watch: bool, nix_conf: bool, anywhere: bool, seconds: float) -> None:
    """List the binary caches that announce themselves on the LAN.

    Each is asked for its nix-cache-info, and is well if it gives one.
    What caches say of themselves is shown, and nothing of it is verified.
    Exits with 4 if there is none.
    """
    import asyncio

    if math.isnan(seconds):
        raise click.BadParameter("nan is no number of seconds", param_hint="'--wait'")
    if sum((as_json, nix_conf)) > 1 or (watch and nix_conf):
        raise click.UsageError("--json, --watch and --nix-conf do not go together here")
    search = _Search(identity=_own_identity(), anywhere=anywhere)
    if watch:
        asyncio.run(search.watch(lambda found: _show(found, as_json=as_json)))
        return
    found = asyncio.run(search.once(seconds))
    if nix_conf:
        _print_conf(found)
    else:
        _show(found, as_json=as_json)
    if not found:
        raise click.exceptions.Exit(4)


class _Search:
    """One look around, or a longer one."""

    def __init__(self, *, identity: str | None, anywhere: bool) -> None:
        self._identity = identity
        self._anywhere = anywhere

    async def once(self, seconds: float) -> tuple[Neighbour, ...]:
        """Listen for so long, and then as long as answers to our own questions are due."""
        import asyncio

        from passthru.lan.search import searching

        async with searching(identity=self._identity, anywhere=self._anywhere) as roster:
            await asyncio.sleep(seconds)
            for _ in range(20):
                if all(one.healthy is not None for one in roster.neighbours):
                    break
                await asyncio.sleep(0.1)
            return roster.neighbours

    async def watch(self, show: Callable[[tuple[Neighbour, ...]], None]) -> None:
        """Show what there is whenever it changes, until interrupted."""
        import asyncio

        from passthru.lan.search import searching

        changed = asyncio.Event()
        changed.set()
        async with searching(
            identity=self._identity, anywhere=self._anywhere, on_change=changed.set
        ) as roster:
            before: object = None
            while True:
                await changed.wait()
                await asyncio.sleep(0.3)
                changed.clear()
                found = roster.neighbours
                if (now := [_stable(one) for one in found]) != before:
                    show(found)
                before = now


def _stable(one: Neighbour) -> tuple[object, ...]:
    """Return what makes a difference worth showing; latency alone does not."""
    return (one.service, one.url, one.told, one.healthy, one.store_dir, one.ourselves)


def _own_identity() -> str | None:
    """Return the identity of the instance that the usual spec describes, if it has one."""
    from passthru.cli.instance import read_spec
    from passthru.errors import PassthruError
    from passthru.lan.identity import read_identity
    from passthru.nginx.plan import site_of
    from passthru.nginx.survey import look_at_machine

    try:
        _source, spec = read_spec(None)
    except PassthruError:
        return None
    return read_identity(Path(site_of(spec, look_at_machine()).identity))


def _show(found: tuple[Neighbour, ...], *, as_json: bool) -> None:
    if as_json:
        print_record({"takenAt": round(time.time(), 3), "caches": [one.record() for one in found]})
        return
    if not found:
        say("no cache announces itself on this network")
        return
    for line in table([_HEAD, *(_row(one) for one in found)], right=frozenset({2, 5})):
        click.echo(line)


def _row(one: Neighbour) -> tuple[str, ...]:
    health = {True: "well", False: "does not answer", None: "not asked"}[one.healthy]
    names = (key.partition(":")[0] for key in one.told.keys)
    return (
        one.name,
        one.url,
        "-" if one.told.priority is None else str(one.told.priority),
        one.store_dir or one.told.store_dir or "-",
        " ".join(names) or "-",
        "-" if one.latency is None else f"{one.latency * 1000:.1f} ms",
        f"{health}, ourselves" if one.ourselves else health,
    )


def _print_conf(found: Iterable[Neighbour]) -> None:
    """Print the lines for the caches that are well; keys are shown, never handed out to paste."""
    from passthru.nginx.snippet import new_keys, snippets

    well = [one for one in found if one.healthy and not one.ourselves]
    if not well:
        return
    click.echo(snippets(" ".join(one.url for one in well), ())["nix-conf"], nl=False)
    keys = new_keys(tuple(key for one in well for key in one.told.keys))
    if keys:
        say(
            "these caches say that they hold what other keys have signed;"
            " add those you know to be right:"
        )
        for key in keys:
            say(f"  {key}")
