"""Downloads from upstreams that are in flight: the temporary files beside nginx's stored ones."""

import os
import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

MOST: Final = 100
"""Fills that are told of."""

_TEMPORARY: Final = re.compile(r"[0-9a-f]{32}\.[0-9]{10}")
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *([0-9]{1,18})\r\n", re.IGNORECASE)
_KEY: Final = re.compile(rb"\nKEY: [a-z0-9-]+(/[!-~]{1,2000})\n")
_HEAD_BYTES: Final = 8192
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
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                if (
                    len(self._known) < MOST
                    and entry.path not in self._known
                    and _TEMPORARY.fullmatch(entry.name)
                ):
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
    """Return the folders, two levels down, in which something was made or removed since."""
    found = []
    with suppress(OSError), os.scandir(directory) as firsts:
        for first in firsts:
            with suppress(OSError), os.scandir(first.path) as seconds:
                found += [entry.path for entry in seconds if entry.stat().st_mtime >= since]
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
            head = file.read(_HEAD_BYTES)
    except OSError:  # not ours to read: its size still is
        return _Promise()
    end = head.find(b"\r\n\r\n")
    if end < 0:
        return _Promise()
    length, key = _LENGTH.search(head, 0, end + 2), _KEY.search(head, 0, end)
    return _Promise(
        total=int(length[1]) if length else None,
        head_bytes=end + 4,
        path=key[1].decode("ascii", "replace") if key else None,
    )
