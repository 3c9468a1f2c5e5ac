"""`passthru fills`: a NAR's bytes for whoever asks while nginx still downloads it for another."""

# ruff: noqa: PLC0415 - heavy imports wait until the command runs: help is to be fast

from __future__ import annotations

import signal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from passthru.cli.options import spec_argument
from passthru.cli.ourselves import ourselves
from passthru.cli.sidecar import find_rendered, log_as, make_sign, tell_waiting

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
    help="Take the settings from a rendered fills.json, and follow its changes",
)
def fills(spec: Path | None, settings_file: Path | None) -> None:
    """Let many read a NAR while it is downloaded once.

    Answers nginx until a signal.
    Without it, all but the first who want a NAR wait until it is whole.
    `passthru up` runs this itself; it is a command for an nginx that is run by others.
    SIGTERM ends it at once, SIGQUIT when nobody reads along.
    """
    import asyncio

    from passthru.fills.serving import serve
    from passthru.nginx.fills import FILLS
    from passthru.nginx.notify import notify_ready
    from passthru.sidecar.source import LiveFile

    log_as("fills")
    path = find_rendered(spec, settings_file, FILLS, option="--settings")
    tell_waiting(path)
    source = LiveFile(path)
    asyncio.run(
        serve(
            source,
            on_ready=lambda: notify_ready("letting followers read along"),
            alive=make_sign(),
        )
    )


def fills_child(site: Site) -> Child:
    """Return the child that serves the followers of whatever generation is live."""
    from passthru.fills.settings import is_open
    from passthru.nginx.children import Child
    from passthru.nginx.fills import FILLS
    from passthru.nginx.pulse import SILENCE

    path = f"{site.live}/{FILLS}"
    return Child(
        name="fills",
        argv=(*ourselves(), "fills", "--settings", path),
        stop_signal=signal.SIGQUIT,  # who reads along may read to the end
        only_with=path,
        is_spare=True,
        patience=SILENCE,
        is_ready=partial(is_open, path),
    )
