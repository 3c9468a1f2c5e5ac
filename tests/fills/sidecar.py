"""A `passthru fills` as its own process, beside the nginx of a cache under test."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.nginx.cache import Cache
from tests.nginx.client import Reply, fetch
from tests.nginx.samples import NAR
from tests.upstreams.process import eventually

COMMAND: Final = (sys.executable, "-m", "passthru", "fills")
PARTIAL: Final = "*.[0-9]*"


class Sidecar:
    """The process; nothing of it is left when the context ends."""

    def __init__(self, cache: Cache) -> None:
        """Start it with what the cache has rendered, and wait for its socket."""
        self.cache = cache
        self._log = tempfile.NamedTemporaryFile(prefix="pt-fills-")  # noqa: SIM115 - for its life
        self.process = subprocess.Popen(
            [*COMMAND, "--settings", f"{cache.site.live}/fills.json"],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )
        assert eventually(Path(cache.site.fills).is_socket), self.said

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
        said = self.said
        self._log.close()
        assert "Traceback" not in said, said

    @property
    def said(self) -> str:
        """All that it has written so far."""
        return Path(self._log.name).read_text(encoding="utf-8")

    def kill(self) -> None:
        """End it with SIGKILL."""
        self.process.kill()
        self.process.wait()


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
