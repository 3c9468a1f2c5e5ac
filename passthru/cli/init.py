"""`passthru init`: write a spec to start from."""

# ruff: noqa: PLC0415 - heavy imports wait until the command runs: help is to be fast

import os
from pathlib import Path

import click

from passthru.cli.output import command_line, say
from passthru.errors import PassthruError

_DEFAULT = Path("passthru.toml")
_STDOUT = Path("-")


@click.command
@click.option("--lan", is_flag=True, help="Serve the whole network, on port 80")
@click.option("--tls", is_flag=True, help="Serve with a certificate, on port 443")
@click.argument(
    "path", default=_DEFAULT, type=click.Path(dir_okay=False, allow_dash=True, path_type=Path)
)
def init(path: Path, *, lan: bool, tls: bool) -> None:
    """Write a commented spec.

    PATH is the file to write, by default passthru.toml; it must not exist. With - it is printed.
    Every setting is in it, commented out, with its default and what it means.
    Prints the path.
    """
    from passthru.cli.spec_text import commented_spec

    if lan and tls:
        raise click.UsageError("--lan and --tls exclude each other", click.get_current_context())
    text = commented_spec("lan" if lan else "tls" if tls else "local")
    if path == _STDOUT:
        click.echo(text, nl=False)
        return
    _write_new(path, text)
    click.echo(path)
    words = () if path == _DEFAULT else (str(path),)
    say("next:")
    for name in ("check", "up", "snippet nix-conf"):
        say(f"  {command_line('passthru', *name.split(), *words)}")


def _write_new(path: Path, text: str) -> None:
    """Write a file that must not exist yet."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        raise PassthruError(
            f"{path} exists already", hint="give another path, or remove it first"
        ) from None
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
