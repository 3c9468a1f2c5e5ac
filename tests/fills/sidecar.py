"""A `passthru fills` as its own process, beside the nginx of a cache under test."""

import sys
from pathlib import Path
from typing import Final

from tests.command import Command
from tests.nginx.cache import Cache
from tests.nginx.client import Reply, fetch
from tests.nginx.samples import NAR
from tests.waiting import eventually

COMMAND: Final = (sys.executable, "-m", "passthru", "fills")
PARTIAL: Final = "*.[0-9]*"


class Sidecar(Command):
    """A running `passthru fills`; nothing of it is left when the context ends."""

    def __init__(self, cache: Cache) -> None:
        """Start it with what the cache has rendered, and wait for its socket."""
        super().__init__("fills", "--settings", f"{cache.site.live}/fills.json")
        assert eventually(Path(cache.site.fills).is_socket), self.said


def partial_files(cache: Cache) -> list[Path]:
    """Return nginx's temporary files in the cache."""
    return list(Path(cache.site.cache).rglob(PARTIAL))


def await_fill(cache: Cache, count: int = 1) -> Path:
    """Wait until nginx has begun to write a download, and return its file."""
    assert eventually(lambda: len(partial_files(cache)) >= count), "no download has begun"
    return max(partial_files(cache), key=lambda path: path.stat().st_mtime)


def ask(cache: Cache, *headers: tuple[str, str], path: str = NAR, method: str = "GET") -> Reply:
    """Ask for a NAR, with all the time in the world."""
    return fetch(cache.address, path, headers=headers, method=method, timeout=30)
