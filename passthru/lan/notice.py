"""`neighbours.json`: what others of this machine may read of the LAN."""

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from passthru.lan.neighbour import Neighbour


class Notice:
    """The file; it is replaced whole, and only by a different text."""

    def __init__(self, file: Path) -> None:
        """Name it."""
        self._file = file
        self._text: str | None = None

    def write(self, neighbours: Iterable[Neighbour]) -> None:
        """Replace it; raises OSError."""
        text = json.dumps([one.record() for one in neighbours], indent=1) + "\n"
        if text == self._text and self._file.exists():
            return
        beside = self._file.with_name(f".{self._file.name}.new")
        beside.write_text(text, encoding="ascii")
        os.replace(beside, self._file)  # noqa: PTH105 - Path.replace() says the same
        self._text = text

    def remove(self) -> None:
        """Remove it: nobody looks any more."""
        with suppress(OSError):
            self._file.unlink()
