"""`passthru hot`: copies of narinfos that are asked for again and again, for nginx to serve as files."""

# ruff: noqa: PLC0415 - heavy imports wait until the command runs: help is to be fast

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from passthru.cli.options import spec_argument
from passthru.cli.ourselves import ourselves
from passthru.cli.sidecar import find_rendered, log_as, make_sign

if TYPE_CHECKING:
    from passthru.nginx.children import Child
    from passthru.nginx.site import Site


@click.command
@spec_argument
@click.option(
    "--settings",
    "settings_file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Take the settings from a rendered hot.json, and follow its changes",
)
def hot(spec: Path | None, settings_file: Path | None) -> None:
    """Make copies of hot narinfos that nginx serves faster.

    Reads the log, and copies narinfos that are hits many times a minute, until a signal.
    Without it they come out of the cache, which costs nginx more.
    `passthru up` runs this itself; it is a command for an nginx that is run by others.
    """
    import asyncio

    from passthru.hot.serving import serve
    from passthru.nginx.hot import HOT
    from passthru.nginx.notify import notify_ready
    from passthru.sidecar.source import LiveFile

    log_as("hot")
    path = find_rendered(spec, settings_file, HOT, option="--settings")
    source = LiveFile(path)
    asyncio.run(
        serve(source, on_ready=lambda: notify_ready("copying hot narinfos"), alive=make_sign())
    )


def hot_child(site: Site) -> Child:
    """Return the child that copies hot narinfos of whatever generation is live."""
    from passthru.cache.copies import clear_copies
    from passthru.nginx.children import Child
    from passthru.nginx.hot import HOT
    from passthru.nginx.pulse import SILENCE

    path = f"{site.live}/{HOT}"
    return Child(
        name="hot",
        argv=(*ourselves(), "hot", "--settings", path),
        only_with=path,
        is_spare=True,
        patience=SILENCE,
        bury=partial(clear_copies, site.hot),  # who is dead takes none back
    )
