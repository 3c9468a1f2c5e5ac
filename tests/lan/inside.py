"""Let a Nix fetch a path, in whatever namespace this runs: `python -m tests.lan.inside FILE`."""

# ruff: noqa: T201 - this is how it tells the test

import json
import sys
from pathlib import Path

from tests.nix.clients import Client, Nix


def main(file: Path) -> None:
    """Print the exit code on a line, and then what Nix said."""
    told = json.loads(file.read_text())
    nix = Nix(told["suite"], told["version"], Path(told["programs"]))
    client = Client(nix, Path(told["folder"]))
    run = client.substitute(told["path"], caches=(told["cache"],), keys=(told["key"],), attempts=2)
    print(run.code)
    print(run.err)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
