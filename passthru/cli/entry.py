"""The entry point, and the one place where an error becomes text and an exit code."""

import json
import os
import re
import sys
import traceback
from collections.abc import Sequence

import click

from passthru.cli.app import app
from passthru.cli.failure import failure_lines, failure_record
from passthru.cli.settings import Settings, choose_color
from passthru.errors import PassthruError

_STYLES = {"error": "red", "hint": "cyan"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; `arguments` default to those of the process."""
    _open_closed_streams()
    settings = Settings(color=choose_color("auto"))
    try:
        result = app.main(arguments, prog_name="passthru", standalone_mode=False, obj=settings)
    except click.Abort:
        return 130  # as a shell says of a process that died by SIGINT
    except click.ClickException as error:
        _print_usage_error(error, settings)
        return error.exit_code
    except PassthruError as error:
        _print_traceback(settings)
        _print_error(error, settings)
        return error.exit_code
    except OSError as error:
        _print_traceback(settings)
        _print_error(_plain(error), settings)
        return 1
    except Exception as error:  # noqa: BLE001 - the last catcher of all
        _print_traceback(settings)
        _print_error(_unexpected(error), settings)
        return 1
    return result if isinstance(result, int) else 0


def _open_closed_streams() -> None:
    """Let nobody hear what goes to a stream that was closed before we started (`>&-`)."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - for good
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - for good


def _print_error(error: PassthruError, settings: Settings) -> None:
    if settings.json:
        try:
            click.echo(json.dumps(failure_record(error), indent=2))
        except OSError:  # a full disk, perhaps the very error: then a person is told
            pass
        else:
            return
    for label, text in failure_lines(error):
        _line(label, text, settings)


def _print_usage_error(error: click.ClickException, settings: Settings) -> None:
    # Click 8.2 and later raise this for a group without a command; its text is the help.
    if type(error).__name__ == "NoArgsIsHelpError":
        click.echo(error.format_message(), err=True)
        return
    message = re.sub(r"\s*\n\s*", " ", error.format_message()).rstrip(".")
    if not message[:2].isupper():  # a name, such as that of an argument
        message = message[:1].lower() + message[1:]
    _line("error", message, settings)
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is not None:
        _line("hint", _usage_hint(error, context), settings)


def _usage_hint(error: click.ClickException, context: click.Context) -> str:
    general = {name for option in context.find_root().command.params for name in option.opts}
    if isinstance(error, click.NoSuchOption) and error.option_name in general:
        return f"write it before the command: passthru {error.option_name} {context.info_name}"
    return f"see `{context.command_path} --help`"


def _line(label: str, text: str, settings: Settings) -> None:
    lead = click.style(f"{label}:", fg=_STYLES[label], bold=True) if label else "   "
    click.echo(f"{lead} {text}", err=True, color=settings.color)


def _print_traceback(settings: Settings) -> None:
    if settings.debug:
        traceback.print_exc(file=sys.stderr)


class UnexpectedError(PassthruError):
    """A fault of passthru itself."""


def _plain(error: OSError) -> PassthruError:
    """Put an error of the operating system into our words."""
    reason = (error.strerror or str(error)).lower()
    return PassthruError(f"{error.filename}: {reason}" if error.filename else reason)


def _unexpected(error: Exception) -> PassthruError:
    return UnexpectedError(
        f"unexpected {type(error).__name__}: {error}",
        hint="this is a fault of passthru; please report it with what `passthru version` prints"
        " and the same command again after `passthru --debug`",
    )
