"""Do what `passthru apply` does, as instructed by JSON; prints the outcome, or the error.

kill_at: the step at which it kills itself. wait_at: the step at which it says so, and waits for a
line on stdin.
"""

# ruff: noqa: T201 - this is how it talks to the tests

import json
import os
import signal
import sys

from passthru.errors import PassthruError
from passthru.nginx.apply import Step, apply
from passthru.nginx.process import find_nginx
from passthru.nginx.rendering import Rendering
from passthru.nginx.site import Site

instructions = json.loads(sys.argv[1])


def at(step: Step) -> None:
    """Do what is to be done at a step."""
    if step == instructions["kill_at"]:
        os.kill(os.getpid(), signal.SIGKILL)
    if step == instructions["wait_at"]:
        print(step, flush=True)
        sys.stdin.readline()


try:
    print(
        apply(
            Rendering(instructions["generation"], instructions["files"]),
            Site(*instructions["site"]),
            binary=find_nginx(),
            step=at,
        )
    )
except PassthruError as error:
    print(f"error: {error.message}")
    sys.exit(error.exit_code)
