"""The random name of one instance, by which it is known to itself when it hears itself."""

import re
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

_ID: Final = re.compile(r"[0-9a-f]{16}")


def read_identity(file: Path) -> str | None:
    """Return the identity that was made before, if there is one."""
    try:
        text = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return text if _ID.fullmatch(text) else None


def keep_identity(file: Path) -> str:
    """Return the identity kept in `file`, made now if need be; without a disk, a new one each time."""
    if known := read_identity(file):
        return known
    made = secrets.token_hex(8)
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        beside = file.with_name(f".{file.name}.new")
        beside.write_text(f"{made}\n", encoding="ascii")
        beside.replace(file)
    return made
