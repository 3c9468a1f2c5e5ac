"""`passthru apply`: let a running instance serve what the spec says now."""

# ruff: noqa: PLC0415 - heavy imports wait until the command runs: help is to be fast

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from passthru.cli.instance import describe_source, prepare
from passthru.cli.options import json_option, spec_argument
from passthru.cli.output import print_record, say
from passthru.errors import PassthruError

if TYPE_CHECKING:
    from pathlib import Path

    from passthru.cli.instance import Instance


@click.command
@spec_argument
@json_option
def apply(spec: Path | None, *, as_json: bool) -> None:
    """Apply a spec to the running instance.

    Downloads in flight go on.
    The configuration is tested, made live, seen live, or taken back: what was served goes on being
    served when this fails.
    Prints the generation; ends with 4 when nothing runs and with 5 when nginx does not take it.
    """
    from passthru.nginx.apply import apply as apply_rendering

    instance = prepare(spec)
    if instance.source is None:
        _check_defaults_run(instance)
    outcome = apply_rendering(instance.rendering, instance.plan.site, binary=instance.binary)
    generation = instance.rendering.generation
    if as_json:
        print_record(
            {
                "spec": str(instance.source) if instance.source else None,
                "generation": generation,
                "outcome": outcome.value,
                "address": instance.plan.address,
            }
        )
        return
    click.echo(generation)
    say(f"{outcome.value}: {describe_source(instance.source)}")


def _check_defaults_run(instance: Instance) -> None:
    """Refuse to put the defaults in place of a spec that was not found from here.

    Raises NotRunningError, NginxError and PassthruError.
    """
    from passthru.nginx.health import ask_health

    if ask_health(instance.plan.site).generation != instance.rendering.generation:
        raise PassthruError(
            "no spec was found, and what runs is not the defaults",
            hint="name it: `passthru apply SPEC`; for the defaults, `passthru apply /dev/null`",
        )
