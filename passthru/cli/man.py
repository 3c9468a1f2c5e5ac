"""`passthru man`: a manual page, made from the tree of commands."""

import re
from typing import cast

import click

from passthru import __version__
from passthru.cli.tree import (
    ENVIRONMENT,
    EXIT_CODES,
    SPEC_PLACES,
    CommandText,
    Paragraph,
    read_tree,
)


@click.command
@click.pass_context
def man(context: click.Context) -> None:
    """Print the manual page, in roff.

    \b
    To read it: passthru man | man -l -
    """  # noqa: D301 - the backslash is for click, which reads a backspace
    root = cast("click.Group", context.find_root().command)
    click.echo(manual_page(root), nl=False)


def manual_page(root: click.Group) -> str:
    """Return passthru(1), without a date: the same commands give the same bytes."""
    top, commands = read_tree(root)
    lines = [
        f'.TH PASSTHRU 1 "" "passthru {__version__}" "User Commands"',
        ".SH NAME",
        rf"passthru \- {_escape(_lower(top.summary))}",
        ".SH SYNOPSIS",
        "\n.br\n".join(_usage(command) for command in (top, *commands)),
        ".SH DESCRIPTION",
        # The heading begins a paragraph already, and mandoc says so of a second one.
        "\n".join(_paragraphs(top.description)).removeprefix(".PP\n"),
        ".SH OPTIONS",
        *_items(top.options),
        ".SH COMMANDS",
    ]
    for command in commands:
        lines += [f".SS {_escape(command.name)}", f"{_escape(command.summary)}."]
        lines += [*_paragraphs(command.description), *_items(command.options)]
    lines += [".SH FILES", "The spec, when the command line names none: the first of"]
    lines += [f".br\n{_escape(place)}" for place in SPEC_PLACES]
    lines += [".SH ENVIRONMENT", *_items(ENVIRONMENT)]
    lines += [".SH EXIT STATUS", *_items(tuple((str(code), text) for code, text in EXIT_CODES))]
    lines += [".SH SEE ALSO", ".BR nix.conf (5),", ".BR nginx (8)"]
    return "\n".join(lines) + "\n"


def _usage(command: CommandText) -> str:
    words = command.usage.removeprefix(command.name)
    return f".B {_escape(command.name)}\n{_escape(words.strip())}"


def _paragraphs(paragraphs: tuple[Paragraph, ...]) -> list[str]:
    return [
        f".PP\n.nf\n{_escape(paragraph.text)}\n.fi"
        if paragraph.verbatim
        else f".PP\n{_escape(paragraph.text)}"
        for paragraph in paragraphs
    ]


def _items(pairs: tuple[tuple[str, str], ...]) -> list[str]:
    return [f".TP\n.B {_escape(name)}\n{_escape(text)}" for name, text in pairs]


def _escape(text: str) -> str:
    """Make text mean itself in roff: backslashes, hyphens, and dots that begin a line."""
    text = text.replace("\\", r"\e").replace("-", r"\-").replace("`", "")
    return re.sub(r"^(?=[.'])", r"\\&", text, flags=re.MULTILINE)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
