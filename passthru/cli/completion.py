"""`passthru completion`: the script that a shell sources."""

import click
from click.shell_completion import ShellComplete, get_completion_class


@click.command
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    \b
    bash: passthru completion bash > ~/.local/share/bash-completion/completions/passthru
    zsh:  passthru completion zsh > DIRECTORY_OF_FPATH/_passthru
    fish: passthru completion fish > ~/.config/fish/completions/passthru.fish
    """  # noqa: D301 - the backslash is for click, which reads a backspace
    chosen = get_completion_class(shell)
    if chosen is None:
        raise click.UsageError(f"no completion for {shell}", context)
    made = chosen(context.find_root().command, {}, "passthru", "_PASSTHRU_COMPLETE")
    # Not made.source(): for bash that runs the bash of this machine, to warn of an old one.
    click.echo(ShellComplete.source(made))
