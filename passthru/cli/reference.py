"""The reference of the commands in Markdown: `python -m passthru.cli.reference` prints it."""

import click

from passthru.cli.tree import ENVIRONMENT, EXIT_CODES, SPEC_PLACES, CommandText, read_tree

_HEAD = """\
# Commands

<!-- Made by `python -m passthru.cli.reference`; a test compares. -->

Results go to standard output, everything else to standard error.
What `--json` prints has a `version`, and may change until passthru 1.0.
"""


_PLACES = """\
The first of these, when the command line names none.
Without any of them, every setting has its default.
"""


def markdown(root: click.Group) -> str:
    """Return the page for a tree of commands."""
    top, commands = read_tree(root)
    parts = [
        _HEAD,
        "## passthru\n",
        *_body(top),
        *(part for command in commands for part in (f"## {command.name}\n", *_body(command))),
        "## Which spec is taken\n",
        _PLACES,
        "".join(f"{i}. `{place}`\n" for i, place in enumerate(SPEC_PLACES, start=1)),
        "## Environment\n",
        _table(("variable", "meaning"), [(f"`{name}`", text) for name, text in ENVIRONMENT]),
        "## Exit codes\n",
        _table(("code", "meaning"), [(str(code), text) for code, text in EXIT_CODES]),
    ]
    return "\n".join(part for part in parts if part)


def _body(command: CommandText) -> list[str]:
    paragraphs = [
        f"```\n{paragraph.text}\n```\n" if paragraph.verbatim else f"{paragraph.text}\n"
        for paragraph in command.description
    ]
    return [
        f"{command.summary}.\n",
        f"```\n{command.usage}\n```\n",
        *paragraphs,
        _table(("option", "what it does"), [(f"`{name}`", text) for name, text in command.options]),
    ]


def _table(head: tuple[str, str], rows: list[tuple[str, str]]) -> str:
    if not rows:
        return ""
    lines = [head, ("---", "---"), *rows]
    return "".join(f"| {left} | {right} |\n" for left, right in lines)


if __name__ == "__main__":
    from passthru.cli.app import app

    click.echo(markdown(app), nl=False)
