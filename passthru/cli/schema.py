"""`passthru schema`: what a spec may hold, for editors and other programs."""

# ruff: noqa: PLC0415 - heavy imports wait until the command runs: help is to be fast

import json

import click


@click.command
def schema() -> None:
    """Print the JSON schema of the spec.

    Editors with a TOML or JSON language server complete and check specs with it.
    """
    from passthru.spec import spec_json_schema

    click.echo(json.dumps(spec_json_schema(), indent=2))
