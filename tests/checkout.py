"""This checkout, as the files that belong to it: what git tracks or would track."""

import shutil
import subprocess
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]

# What a tree without git (an unpacked sdist) may hold besides its own files.
_MADE: Final = (".venv", ".git", "__pycache__", ".hypothesis", "dist")


def checkout_files() -> list[Path]:
    """Return the files of the project, relative to ROOT, sorted: tracked, or new and not ignored."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "-co", "--exclude-standard"]
    if shutil.which("git") and (ROOT / ".git").exists():
        run = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=30)
        names = sorted({Path(name) for name in run.stdout.decode().split("\0") if name})
        return [name for name in names if (ROOT / name).is_file()]
    paths = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
    return sorted(path for path in paths if not set(path.parts) & set(_MADE))


def copy_checkout(destination: Path) -> Path:
    """Copy the project's files, with their modes, into the new directory `destination`."""
    destination.mkdir(parents=True)
    for name in checkout_files():
        (destination / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, destination / name)
    return destination
