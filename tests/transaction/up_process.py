"""Do what `passthru up` does, as instructed by JSON, with a rendering in the place of a spec.

site: state, runtime, cache. spec: the file that holds the rendering. tick: a file like it, which
is handed over whenever it is there. children: pairs of name and argv, spare: names of some,
patience: how long each may be silent. trouble: on_ready fails. become: the user to run as, which
may be one that cannot read this file.
"""

# ruff: noqa: T201 - this is how it talks to the tests

import ctypes
import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

from passthru.errors import PassthruError, Problem, SpecError
from passthru.nginx.children import Child
from passthru.nginx.process import find_nginx
from passthru.nginx.rendering import Rendering
from passthru.nginx.site import Site
from passthru.nginx.supervise import run


def read(path: str) -> Rendering:
    """Read a rendering; raises SpecError, as reading a spec does."""
    try:
        record = json.loads(Path(path).read_text())
    except ValueError as fault:
        raise SpecError((Problem("", "not JSON"),), source=path) from fault
    return Rendering(record["generation"], record["files"])


def become(user: int | None) -> None:
    """Run as another user from here on."""
    if user is not None:
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
        ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE, as after an exec


def main(instructions: dict[str, Any]) -> None:
    """Serve until a signal."""

    def on_ready() -> None:
        if instructions.get("trouble"):
            raise BrokenPipeError
        print("ready", flush=True)

    def tick() -> Rendering | None:
        path = Path(instructions.get("tick", "/nonexistent"))
        if not path.exists():
            return None
        found = read(str(path))
        path.unlink()
        return found

    run(
        read(instructions["spec"]),
        Site(*instructions["site"]),
        binary=find_nginx(),
        make_rendering=lambda: read(instructions["spec"]),
        on_ready=on_ready,
        tick=tick,
        children=[
            Child(
                name,
                tuple(argv),
                is_spare=name in instructions.get("spare", []),
                patience=instructions.get("patience"),
            )
            for name, argv in instructions.get("children", [])
        ],
        **{
            name: instructions[name]
            for name in ("user", "rotate_bytes", "apply_seconds", "grace")
            if name in instructions
        },
    )


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    try:
        become(json.loads(sys.argv[1]).get("become"))
        main(json.loads(sys.argv[1]))
    except PassthruError as error:
        print("\n".join((f"error: {error.message}", *getattr(error, "lines", ()))), file=sys.stderr)
        print(f"hint: {error.hint}", file=sys.stderr)
        sys.exit(error.exit_code)
