"""`passthru doctor`: what is wrong, and what to do about it."""

# ruff: noqa: PLC0415 - heavy imports wait until the command runs: help is to be fast

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from passthru.cli.options import json_option, spec_argument
from passthru.cli.output import line_width, print_record, say

if TYPE_CHECKING:
    from pathlib import Path

PROBLEMS_FOUND = 3


@click.command
@spec_argument
@json_option
@click.pass_context
def doctor(context: click.Context, spec: Path | None, *, as_json: bool) -> None:
    """Find out what is wrong, and what to do about it.

    Looks at the spec, at nginx, at the disk, at what runs, and at each upstream over the network.
    Every check is ok, warn, fail or skipped, and says how to mend what it found.
    Takes some seconds at most, works without a network, and stores nothing.
    Ends with 3 when a check fails.
    """
    from passthru.cli.checkup import Check, Verdict, check_lines, check_record, summary
    from passthru.cli.examination import examine_all
    from passthru.cli.instance import find_spec

    checks: list[Check] = []
    for number, check in enumerate(examine_all(spec), start=1):
        checks.append(check)
        if not as_json:
            for line in check_lines(number, check, line_width()):
                click.echo(line)
    is_well = all(check.verdict is not Verdict.FAIL for check in checks)
    if as_json:
        source = find_spec(spec)
        records = [check_record(number, check) for number, check in enumerate(checks, start=1)]
        print_record({"spec": str(source) if source else None, "ok": is_well, "checks": records})
    else:
        say(summary(checks))
    context.exit(0 if is_well else PROBLEMS_FOUND)
