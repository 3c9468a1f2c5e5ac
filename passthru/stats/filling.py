"""Downloads from upstreams that are in flight: the temporary files beside nginx's stored ones."""

import os
import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from passthru.cache.head import LONGEST_HEAD, read_head
from passthru.cache.place import entries, folders, is_download_name
from passthru.errors import FormatError

MOST: Final = 100
"""Fills that are told of."""

_KEY: Final = re.compile(r"[a-z0-9-]+(/[!-~]{1,2000})")
_RECENT: Final = 3600.0
_OVERLAP: Final = 2.0


@dataclass(frozen=True, slots=True)
class FillView:
    """One download."""

    bytes_so_far: int
    total_bytes: int | None
    started_at: float
    path: str | None = None
    """What was asked for, as it is known to the upstream."""


@dataclass(slots=True)
class FillWatch:
    """Looks at the folders of one zone that changed since the last look."""

    directory: str
    _looked_at: float | None = None
    _known: dict[str, tuple[float, "_Promise"]] = field(default_factory=dict)
    """Path to first sight and what the file begins with."""

    def look(self, now: float) -> tuple[FillView, ...]:
        """Return the downloads in flight, the oldest first; `now` is in seconds since 1970."""
        since = now - _RECENT if self._looked_at is None else self._looked_at - _OVERLAP
        self._looked_at = now
        for folder in _changed(self.directory, since):
            self._note(folder)
        return tuple(sorted(self._current(), key=lambda fill: fill.started_at))

    def _note(self, folder: str) -> None:
        for entry in entries(folder):
            if (
                len(self._known) < MOST
                and entry.path not in self._known
                and is_download_name(entry.name)
            ):
                with suppress(OSError):  # it has just ended
                    began = entry.stat().st_ctime
                    self._known[entry.path] = (began, _promise(entry.path))

    def _current(self) -> list[FillView]:
        found = []
        for path, (began, promise) in tuple(self._known.items()):
            try:
                size = os.stat(path).st_size  # noqa: PTH116 - in one call
            except OSError:
                del self._known[path]
                continue
            so_far = max(0, size - promise.head_bytes)
            found.append(FillView(so_far, promise.total, began, promise.path))
        return found


def _changed(directory: str, since: float) -> list[str]:
    """Return the folders in which something was made or removed since."""
    found = []
    for folder in folders(directory):
        with suppress(OSError):
            if folder.stat().st_mtime >= since:
                found.append(folder.path)
    return found


@dataclass(frozen=True, slots=True)
class _Promise:
    """What nginx wrote before the body: the key, and the upstream's head with its Content-Length."""

    total: int | None = None
    head_bytes: int = 0
    path: str | None = None


def _promise(path: str) -> _Promise:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - in one call
            head = read_head(file.read(LONGEST_HEAD))
    except (OSError, FormatError):  # not ours to read, or nothing to be read yet: its size still is
        return _Promise()
    key = _KEY.fullmatch(head.key)
    return _Promise(head.content_length, head.body_start, key[1] if key else None)
