"""How passthru runs itself: its sidecars are commands of its own."""

import os
import sys
from pathlib import Path


def ourselves() -> tuple[str, ...]:
    """Return how to run passthru once more, in the way that this process was run.

    Not always through sys.executable: a wrapper (Nix) may be what knows where our packages are.
    """
    script = Path(sys.argv[0])
    if script.name == "__main__.py":
        return (sys.executable, "-m", "passthru")
    path = str(script.absolute())
    return (path,) if os.access(path, os.X_OK) else (sys.executable, path)
