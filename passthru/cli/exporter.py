"""`passthru exporter`: what the cache does, for people and for Prometheus."""

# ruff: noqa: PLC0415 - heavy imports wait until the command runs: help is to be fast

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from passthru.cli.options import spec_argument
from passthru.cli.ourselves import ourselves
from passthru.cli.sidecar import find_rendered, log_as, make_sign

if TYPE_CHECKING:
    from passthru.nginx.children import Child
    from passthru.nginx.site import Site
    from passthru.stats.app import Page
    from passthru.stats.exporter import Signs

logger: Final = logging.getLogger(__name__)


@click.command
@spec_argument
@click.option(
    "--facts",
    "facts_file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Take a rendered facts.json in place of a spec, and follow its changes",
)
def exporter(spec: Path | None, facts_file: Path | None) -> None:
    """Count what the cache does and answer for it, until a signal.

    Reads the access log, and answers nginx on a unix socket: the status page, its JSON, /metrics.
    `passthru up` runs this itself; it is a command for an nginx that is run by others.
    It may be killed at any moment, and counts nothing twice.
    """
    import asyncio

    from passthru.nginx.facts import FACTS
    from passthru.stats.exporter import serve
    from passthru.stats.facts import FactsFile

    log_as("exporter")
    path = find_rendered(spec, facts_file, FACTS, option="--facts")
    asyncio.run(serve(FactsFile(path), _page(), _signs()))


def exporter_child(site: Site) -> Child:
    """Return the child that counts what whatever generation is live does."""
    from passthru.nginx.children import Child
    from passthru.nginx.facts import FACTS
    from passthru.nginx.pulse import SILENCE

    path = f"{site.live}/{FACTS}"
    return Child(
        name="exporter",
        argv=(*ourselves(), "exporter", "--facts", path),
        only_with=path,
        is_spare=True,
        patience=SILENCE,
    )


def _signs() -> Signs:
    from passthru.nginx.notify import notify_ready
    from passthru.stats.exporter import Signs

    return Signs(ready=notify_ready, alive=make_sign(), rotate=_Rotation())


class _Rotation:
    """Rotates a log that nobody rotates, or says once why it grows."""

    told = ""

    def __call__(self, log: str) -> None:
        from passthru.errors import PassthruError
        from passthru.nginx.rotation import rotate_abandoned

        try:
            if rotate_abandoned(log):
                logger.info("rotated %s, which nobody did", log)
        except PassthruError as fault:
            if self.told != log:
                logger.warning("%s; %s", fault.message, fault.hint)
            self.told = log


def _page() -> Page:
    from passthru.stats.app import Page
    from passthru.stats.page import POLICY, asset, render_status

    return Page(render_status, asset, POLICY)
