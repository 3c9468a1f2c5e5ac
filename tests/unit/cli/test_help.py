"""The help: its voice, and that it comes at once."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from passthru.cli.app import DOCS, app
from passthru.cli.tree import SPEC_PLACES
from tests.unit.cli.command import environment, invoke

HEAVY = {"pydantic", "jinja2", "cryptography", "passthru.spec", "passthru.nginx.plan"}


def commands() -> Iterator[tuple[str, click.Command]]:
    """Yield all commands with their full names, the root first."""
    yield "passthru", app
    for name, command in app.commands.items():
        yield f"passthru {name}", command


COMMANDS = [pytest.param(command, id=name) for name, command in commands()]


@pytest.mark.parametrize("command", COMMANDS)
def test_summary_has_the_voice_of_the_help(command: click.Command) -> None:
    """A summary is a short imperative sentence: capital, no full stop, verb without an s."""
    summary = command.get_short_help_str(limit=200)

    assert summary[0].isupper()
    assert not summary.endswith(".")
    assert len(summary) <= 60
    assert not summary.split()[0].endswith(("s", "ing", "ed"))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_described(command: click.Command) -> None:
    """An option says what it does, in the same voice, and what its value is called."""
    for option in command.params:
        if not isinstance(option, click.Option):
            continue
        assert option.help, option.name
        assert option.help[0].isupper(), option.help
        assert not option.help.endswith("."), option.help
        assert option.is_flag or option.metavar, option.name


@pytest.mark.parametrize("command", COMMANDS)
def test_every_argument_is_explained(command: click.Command) -> None:
    """An argument's name stands in the text, unless it is the spec or a choice shown in the usage."""
    for argument in command.params:
        if not isinstance(argument, click.Argument):
            continue
        known = argument.name == "spec" or isinstance(argument.type, click.Choice)
        assert known or str(argument.name).upper() in (command.help or ""), argument.name


@pytest.mark.parametrize("name", ["", *app.commands])
def test_help_ends_with_where_the_docs_are(name: str) -> None:
    """Whoever reads to the end knows where there is more; -h does the same as --help."""
    text = invoke(*name.split(), "--help")

    assert text.rstrip().endswith(DOCS)
    assert invoke(*name.split(), "-h") == text


def test_nothing_is_shown_that_does_not_work_yet() -> None:
    """The commands are those of this version."""
    assert list(app.commands) == [
        "demo", "init", "check", "render", "up", "apply", "install",
        "status", "doctor", "explain", "purge", "snippet", "discover", "schema",
        "metrics", "exporter", "tunnel", "fills", "hot", "mdns", "version",
        "completion", "man",
    ]  # fmt: skip


def test_man_page_lists_the_places_that_are_searched() -> None:
    """The order of the spec's places is documented where it is written down."""
    text = invoke("man")

    assert all(place.replace("-", "\\-") in text for place in SPEC_PLACES)


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        (["--help"], {}),
        (["check", "--help"], {}),
        (["--version"], {}),
        (["chekc"], {}),
        ([], {"_PASSTHRU_COMPLETE": "bash_complete", "COMP_WORDS": "passthru ", "COMP_CWORD": "1"}),
        (
            [],
            {
                "_PASSTHRU_COMPLETE": "zsh_complete",
                "COMP_WORDS": "passthru snippet ",
                "COMP_CWORD": "2",
            },
        ),
    ],
)
def test_help_and_completions_load_nothing_heavy(
    words: list[str], extra: dict[str, str], tmp_path: Path
) -> None:
    """A Tab or --help must not wait for libraries that only the work needs."""
    program = (
        "import sys\nfrom passthru.cli import main\n"
        f"try: main({words!r})\nexcept SystemExit: pass\n"
        "print('MODULES', *sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(tmp_path) | extra,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    output, _, modules = done.stdout.partition("MODULES")

    assert output or done.stderr
    assert not HEAVY & set(modules.split())


def test_completion_offers_choices(tmp_path: Path) -> None:
    """Tab after `passthru snippet` offers the kinds."""
    done = subprocess.run(
        [sys.executable, "-m", "passthru"],
        env=environment(tmp_path)
        | {
            "_PASSTHRU_COMPLETE": "bash_complete",
            "COMP_WORDS": "passthru snippet ni",
            "COMP_CWORD": "2",
        },
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )

    assert done.stdout.split() == ["plain,nix-conf", "plain,nixos"]
