"""`passthru check`: tell whether a spec would work here."""

# ruff: noqa: PLC0415 - heavy imports wait until the command runs: help is to be fast

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import click

from passthru.cli.finding import Finding, Severity, spec_findings
from passthru.cli.instance import describe_source, find_spec, read_spec
from passthru.cli.options import json_option, spec_argument
from passthru.cli.output import print_record, say
from passthru.errors import SpecError

if TYPE_CHECKING:
    from pathlib import Path

PROBLEMS_FOUND = 3


@click.command
@spec_argument
@json_option
@click.option("--strict", is_flag=True, help="Count warnings as problems")
@click.pass_context
def check(context: click.Context, spec: Path | None, *, as_json: bool, strict: bool) -> None:
    """Find out whether a spec would work on this machine.

    Reads SPEC, renders it into a temporary directory and lets `nginx -t` judge it.
    Prints nothing when all is well; ends with 3 when there are problems.
    Changes nothing, and may be run beside a running instance.
    """
    from passthru.cli.examine import examine

    source = find_spec(spec)
    try:
        source, wanted = read_spec(spec)
        findings = tuple(examine(wanted))
        code = _exit_code(findings, strict=strict)
    except SpecError as error:
        if not as_json:
            raise
        findings, code = spec_findings(error), error.exit_code
    if as_json:
        print_record(
            {
                "spec": str(source) if source else None,
                "ok": code == 0,
                "findings": [dataclasses.asdict(finding) for finding in findings],
            }
        )
    else:
        say(describe_source(source))
        for finding in findings:
            _print(finding)
    context.exit(code)


def _exit_code(findings: tuple[Finding, ...], *, strict: bool) -> int:
    bad = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
    return PROBLEMS_FOUND if any(finding.severity in bad for finding in findings) else 0


def _print(finding: Finding) -> None:
    """Print a problem as data, and a note as talk."""
    talk = finding.severity is Severity.NOTE
    color = {"error": "red", "warning": "yellow", "note": "cyan"}[finding.severity]
    lead = click.style(f"{finding.severity}:", fg=color, bold=True)
    lines = [f"{lead} {finding.where}: {finding.message} [{finding.code}]"]
    lines += [f"    {line}" for line in finding.details]
    if finding.hint:
        lines.append(f"    hint: {finding.hint}")
    click.echo("\n".join(lines), err=talk)
