"""`passthru mdns`: the cache and its neighbours, known to each other by mDNS."""

# ruff: noqa: PLC0415 - heavy imports wait until the command runs: help is to be fast

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from passthru.cli.instance import describe_source, read_spec
from passthru.cli.options import spec_argument
from passthru.cli.ourselves import ourselves
from passthru.cli.output import say

if TYPE_CHECKING:
    from passthru.lan.serving import Place
    from passthru.nginx.children import Child
    from passthru.nginx.site import Site


@click.command
@spec_argument
@click.option(
    "--live",
    metavar="STATE",
    type=click.Path(file_okay=False, path_type=Path),
    hidden=True,
    help="Take what to do from the live rendering below a state directory, and follow its changes",
)
@click.option(
    "--runtime",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    hidden=True,
    help="The runtime directory that belongs to it",
)
def mdns(spec: Path | None, live: Path | None, runtime: Path | None) -> None:
    """Announce the cache of a spec on the LAN, until a signal.

    Announces it only while it answers, on the interfaces that the spec names.
    Writes what other caches are heard to neighbours.json in the runtime directory.
    With lan.follow, leads nginx to those of them that are well.
    `passthru up` runs this itself; it is a command for an nginx that is run by others.
    SIGHUP reads the spec again. SIGTERM says goodbye and ends it.
    """
    import asyncio

    from passthru.lan.serving import serve
    from passthru.nginx.notify import notify_ready
    from passthru.nginx.site import Site

    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="passthru mdns: %(message)s")
    if live is not None and runtime is not None:
        site = Site(state=str(live.absolute()), runtime=str(runtime.absolute()), cache="")
        asyncio.run(serve(_LiveSource(site), place_of(site)))
        return
    source = _SpecSource(spec)
    asyncio.run(
        serve(source, place_of(source.site), on_ready=lambda: notify_ready("on the LAN by mDNS"))
    )


def place_of(site: Site) -> Place:
    """Return where an instance keeps what concerns the LAN, and how to ask whether it answers."""
    from passthru.lan.serving import Place

    return Place(
        identity=Path(site.identity),
        neighbours=Path(site.neighbours),
        is_healthy=lambda: _answers(site),
    )


def mdns_child(site: Site) -> Child:
    """Return the child that does what the live generation wants on the LAN."""
    from passthru.nginx.children import Child
    from passthru.nginx.lan import LAN

    return Child(
        name="mdns",
        argv=(*ourselves(), "mdns", "--live", site.state, "--runtime", site.runtime),
        only_with=f"{site.live}/{LAN}",
        is_spare=True,
    )


def _answers(site: Site) -> bool:
    from passthru.errors import PassthruError
    from passthru.nginx.health import ask_health

    try:
        ask_health(site)
    except PassthruError:
        return False
    return True


class _LiveSource:
    """The file in the live rendering; missing when there is nothing to do."""

    def __init__(self, site: Site) -> None:
        from passthru.nginx.lan import LAN

        self._file = Path(site.live, LAN)

    def stamp(self) -> object:
        try:
            found = self._file.stat()
        except OSError as fault:
            return fault.errno
        return found.st_dev, found.st_ino, found.st_mtime_ns

    def read(self) -> str | None:
        try:
            return self._file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None


class _SpecSource:
    """What a spec wants; it changes only when it is read again."""

    def __init__(self, given: Path | None) -> None:
        from passthru.nginx.plan import site_of
        from passthru.nginx.survey import look_at_machine

        source, spec = read_spec(given)  # a bad spec ends the command
        say(describe_source(source))
        self._source = source and source.absolute()
        self.site = site_of(spec, look_at_machine())

    def stamp(self) -> object:
        return None

    def read(self) -> str | None:
        from passthru.nginx.lan import plan_lan, write_lan
        from passthru.nginx.survey import look_at_machine

        _source, spec = read_spec(self._source)
        return write_lan(plan_lan(spec, look_at_machine(), self.site))
