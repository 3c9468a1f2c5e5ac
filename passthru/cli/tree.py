"""The tree of commands as plain values, from which the reference and the man page are made."""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass

import click

EXIT_CODES = (
    (0, "Done"),
    (1, "Failed"),
    (2, "The command line is wrong"),
    (3, "`check`, `doctor` or `explain` found problems"),
    (4, "No instance runs, or it has no figures"),
    (5, "nginx did not take the new configuration; the old one goes on"),
    (78, "The spec is invalid (EX_CONFIG, for RestartPreventExitStatus)"),
    (130, "Interrupted"),
)

ENVIRONMENT = (
    ("PASSTHRU_SPEC", "The spec, when the command line names none"),
    ("PASSTHRU_NGINX", "The nginx to run, in place of the one in PATH"),
    ("PASSTHRU_LISTEN", 'Where mode "local" listens, if the spec is silent: in a container, *'),
    ("NO_COLOR", "When set, nothing is coloured"),
)

_HELP = ("-h, --help", "Show the help of passthru, or of a command")

SPEC_PLACES = (
    "$PASSTHRU_SPEC",
    "./passthru.toml",
    "$XDG_CONFIG_HOME/passthru/passthru.toml",
    "/etc/passthru/passthru.toml",
)
"""Where a spec is looked for when none is named; without any, all is default."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of a help text; a verbatim one keeps its line breaks."""

    text: str
    verbatim: bool = False


@dataclass(frozen=True, slots=True)
class CommandText:
    """What there is to say about one command."""

    name: str
    usage: str
    summary: str
    description: tuple[Paragraph, ...]
    options: tuple[tuple[str, str], ...]
    """Pairs of how it is written and what it does."""


def read_tree(root: click.Group) -> tuple[CommandText, tuple[CommandText, ...]]:
    """Return the root and its commands, in the order of the help."""
    context = click.Context(root, info_name=root.name)
    named = ((name, root.get_command(context, name)) for name in root.list_commands(context))
    commands = [(name, command) for name, command in named if command is not None]
    return (
        _read("passthru", root),
        tuple(_read(f"passthru {name}", command) for name, command in commands),
    )


def _read(name: str, command: click.Command) -> CommandText:
    summary, *rest = _paragraphs(command.help or "")
    options = tuple(
        (_writing(option), option.help or "")
        for option in command.params
        if isinstance(option, click.Option)
    )
    words = [_word(parameter) for parameter in command.params if not _is_option(parameter)]
    if isinstance(command, click.Group):
        words.append("COMMAND [ARGS]...")
    return CommandText(
        name=name,
        usage=" ".join([name, "[OPTIONS]", *words]),
        summary=summary.text.removesuffix("."),
        description=tuple(rest),
        options=(*options, _HELP) if isinstance(command, click.Group) else options,
    )


def _is_option(parameter: click.Parameter) -> bool:
    return isinstance(parameter, click.Option)


def _word(argument: click.Parameter) -> str:
    if isinstance(argument.type, click.Choice):
        word = "|".join(str(choice) for choice in argument.type.choices)
        return f"{{{word}}}"
    word = (argument.name or "").upper() + ("..." if argument.nargs < 0 else "")
    return word if argument.required else f"[{word}]"


def _writing(option: click.Option) -> str:
    names = ", ".join(sorted(option.opts, key=len))
    return names if option.is_flag else f"{names} {option.metavar or 'VALUE'}"


def _paragraphs(text: str) -> Iterator[Paragraph]:
    for block in inspect.cleandoc(text).split("\n\n"):
        if block.startswith("\b"):
            yield Paragraph(block.removeprefix("\b").strip("\n"), verbatim=True)
        else:
            yield Paragraph(block)
