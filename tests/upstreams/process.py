"""A `passthru tunnel` as its own process, and a list of tunnels that it follows."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

COMMAND: Final = (sys.executable, "-m", "passthru", "tunnel")


def eventually(claim: Callable[[], object], *, seconds: float = 10.0) -> bool:
    """Wait for `claim` to hold."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if claim():
            return True
        time.sleep(0.02)
    return False


class Tunnels:
    """A running `passthru tunnel --list`; nothing of it is left when the context ends."""

    def __init__(self, list_file: Path | None = None) -> None:
        """Start it, with a list of its own unless one is given."""
        self.folder = Path(tempfile.mkdtemp(prefix="pt-"))
        self.list_file = list_file or self.folder / "tunnels.json"
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [*COMMAND, "--list", str(self.list_file)],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

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
                self.process.kill()
                self.process.wait()
                raise
        said = self.said
        shutil.rmtree(self.folder, ignore_errors=True)
        assert "S3CRET" not in said, "a password in the log"
        assert "Traceback" not in said, said

    @property
    def said(self) -> str:
        """All that it has written so far."""
        return (self.folder / "log").read_text()

    def path(self, name: str) -> str:
        """Return the socket of a tunnel."""
        return str(self.folder / f"tunnel-{name}.sock")

    def set(self, **proxies: str) -> None:
        """Let there be tunnels of these names through these proxies, all to x.test:80."""
        self.write(*(self.record(name, proxy) for name, proxy in proxies.items()))
        assert eventually(lambda: all(Path(self.path(name)).is_socket() for name in proxies))

    def record(self, name: str, proxy: str, **more: object) -> dict[str, object]:
        """Return one record of a list."""
        basis = {"name": name, "socket": self.path(name), "proxy": proxy}
        return basis | {"host": "x.test", "port": 80, "connect_timeout": 1} | more

    def write(self, *records: dict[str, object]) -> None:
        """Write the list, whole."""
        beside = self.list_file.with_suffix(".new")
        beside.write_text(json.dumps(records))
        beside.replace(self.list_file)

    def connect(self, name: str = "a", *, timeout: float = 10) -> socket.socket:
        """Connect as nginx does."""
        stream = socket.socket(socket.AF_UNIX)
        try:
            stream.settimeout(timeout)
            stream.connect(self.path(name))
        except OSError:
            stream.close()
            raise
        return stream
