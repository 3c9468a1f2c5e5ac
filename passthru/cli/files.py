"""Writing the files of a rendering into a directory of the operator's."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

SECRET: Final = frozenset({"credentials.conf", "tunnels.json"})
"""Files of a rendering that may hold passwords: for their owner alone, and never printed."""


def write_files(files: Mapping[str, str], directory: Path) -> None:
    """Write each file beside its place and rename it there, `nginx.conf` last.

    Whoever reads meanwhile sees the old text or the new one, never half; raises OSError.
    What may hold passwords can be read by its owner alone.
    """
    for name in sorted(files, key=lambda name: name == "nginx.conf"):
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                os.fchmod(handle, 0o600 if name in SECRET else 0o644)
                file.write(files[name])
            Path(beside).replace(path)
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise
