"""`passthru metrics`: what /metrics tells, for people and for the reference page."""

# ruff: noqa: PLC0415 - heavy imports wait until the command runs: help is to be fast

from __future__ import annotations

import click

from passthru.cli.options import json_option
from passthru.cli.output import print_record, table


@click.command
@json_option
def metrics(*, as_json: bool) -> None:
    """Print what /metrics tells: names, types, labels and meaning."""
    from passthru.stats.labels import LABELS
    from passthru.stats.metric import METRICS

    if as_json:
        records = [
            {
                "name": one.name,
                "type": one.type.value,
                "labels": list(one.labels),
                "help": one.help,
            }
            for one in METRICS
        ]
        print_record({"metrics": records, "labels": dict(LABELS)})
        return
    head = ("METRIC", "TYPE", "LABELS", "MEANING")
    rows = [(one.name, one.type.value, ",".join(one.labels) or "-", one.help) for one in METRICS]
    for line in table([head, *rows]):
        click.echo(line)
