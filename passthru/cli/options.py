"""Arguments and options that several commands have."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from passthru.cli.settings import Settings

Command = TypeVar("Command", bound=Callable[..., Any])

spec_argument = click.argument(
    "spec", required=False, type=click.Path(dir_okay=False, path_type=Path)
)


def json_option(command: Command) -> Command:
    """Add `--json`, which also turns this run's errors into JSON."""
    return click.option(
        "--json",
        "as_json",
        is_flag=True,
        is_eager=True,
        callback=_remember,
        help="Print one JSON record, errors too",
    )(command)


def _remember(context: click.Context, _parameter: click.Parameter, value: bool) -> bool:  # noqa: FBT001 - click's calling convention
    context.ensure_object(Settings).json = value
    return value
