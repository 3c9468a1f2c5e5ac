"""Run the command line as a user does: a process, its two streams and its exit code."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from passthru.cli import main
from passthru.cli.app import app


@dataclass(frozen=True, slots=True)
class Done:
    """What a run left behind."""

    code: int
    out: str
    err: str


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return an environment in which nothing of this machine's own specs is found."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PASSTHRU_", "XDG_")) and name != "NO_COLOR"
    }
    return kept | {"HOME": str(home)} | more


def run(*words: str, cwd: Path, env: Mapping[str, str] | None = None, seconds: float = 60) -> Done:
    """Run `python -m passthru WORDS` in `cwd`."""
    done = subprocess.run(
        [sys.executable, "-m", "passthru", *words],
        cwd=cwd,
        env=dict(env or environment(cwd)),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def invoke(*words: str) -> str:
    """Run a command in this process, which is faster, and return its stdout; it must succeed."""
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


__all__ = ["Done", "environment", "invoke", "main", "run"]
