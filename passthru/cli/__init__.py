"""The command line: a module a command, each of which parses, calls and prints."""

from passthru.cli.entry import main

__all__ = ["main"]
