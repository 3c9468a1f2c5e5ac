"""How the last transaction ended, left written for those who watch: the exporter, a page, a script."""

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from passthru.nginx.site import Site

_LONGEST: Final = 65536


def record_success(site: Site, generation: str) -> None:
    """Write that `generation` was seen live; a disk that does not take it is no failure."""
    now = time.time()
    _write(site, at=now, successful=True, generation=generation, succeeded_at=now, error=None)


def record_failure(site: Site, generation: str | None, error: str) -> None:
    """Write that it was not, and why; what serves is as it was."""
    before = _read(Path(site.last_apply)).get("succeeded_at")
    _write(
        site,
        at=time.time(),
        successful=False,
        generation=generation,
        succeeded_at=before if isinstance(before, float) else None,
        error=error,
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            record = json.loads(file.read(_LONGEST))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _write(site: Site, **fields: object) -> None:
    """Write the record beside its place and rename it there."""
    path = Path(site.last_apply)
    beside = path.with_name(f".{path.name}.new")
    with suppress(OSError):
        beside.write_text(json.dumps({"version": 1, **fields}) + "\n", encoding="utf-8")
        os.chmod(beside, 0o644)  # noqa: PTH101 - the exporter may be another user
        beside.replace(path)
