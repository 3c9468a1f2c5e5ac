"""The tree of commands."""

from difflib import get_close_matches
from typing import Final

import click
from typing_extensions import override

from passthru import __version__
from passthru.cli.apply import apply
from passthru.cli.check import check
from passthru.cli.completion import completion
from passthru.cli.demo import demo
from passthru.cli.discover import discover
from passthru.cli.doctor import doctor
from passthru.cli.explain import explain
from passthru.cli.exporter import exporter
from passthru.cli.fills import fills
from passthru.cli.hot import hot
from passthru.cli.init import init
from passthru.cli.install import install
from passthru.cli.man import man
from passthru.cli.mdns import mdns
from passthru.cli.metrics import metrics
from passthru.cli.purge import purge
from passthru.cli.render import render
from passthru.cli.schema import schema
from passthru.cli.settings import Settings, choose_color
from passthru.cli.snippet import snippet
from passthru.cli.status import status
from passthru.cli.tunnel import tunnel
from passthru.cli.up import up
from passthru.cli.version import version

DOCS: Final = "Documentation: docs/ in the passthru repository"

COMMANDS: Final = (
    demo,
    init,
    check,
    render,
    up,
    apply,
    install,
    status,
    doctor,
    explain,
    purge,
    snippet,
    discover,
    schema,
    metrics,
    exporter,
    tunnel,
    fills,
    hot,
    mdns,
    version,
    completion,
    man,
)
"""In the order of a newcomer's first hour, which is the order of the help."""


class App(click.Group):
    """A group that keeps its commands' order and knows what was meant."""

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    @override
    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if not ctx.resilient_parsing and self.get_command(ctx, args[0]) is None:
            near = get_close_matches(args[0], self.commands, n=1)
            meant = f"; did you mean `{near[0]}`?" if near else ""
            raise click.UsageError(f"no such command: {args[0]}{meant}", ctx)
        return super().resolve_command(ctx, args)


@click.group(
    cls=App,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 96},
)
@click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    metavar="WHEN",
    help="Colour the output: auto, always or never (auto: on terminals, unless NO_COLOR is set)",
)
@click.option("--debug", is_flag=True, help="Show a traceback with every error")
@click.version_option(
    __version__, prog_name="passthru", message="%(prog)s %(version)s", help="Print the version"
)
@click.pass_context
def app(context: click.Context, color: str, *, debug: bool) -> None:
    """Run a network's own copy of the Nix binary caches it uses.

    nginx serves every byte; passthru decides what nginx is told.

    New here? `passthru demo` shows it at work, without a network.
    """
    settings = context.ensure_object(Settings)
    settings.debug = debug
    settings.color = context.color = choose_color(color)


for _command in (app, *COMMANDS):
    _command.epilog = DOCS
    _command.short_help = (_command.help or "").partition("\n")[0].removesuffix(".")
for _command in COMMANDS:
    app.add_command(_command)
