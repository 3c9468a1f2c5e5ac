"""A `passthru tunnel` as its own process, and a list of tunnels that it follows."""

import json
import shutil
import socket
import sys
import tempfile
from pathlib import Path
from typing import Final

from typing_extensions import override

from tests.command import Command
from tests.waiting import eventually

COMMAND: Final = (sys.executable, "-m", "passthru", "tunnel")


class Tunnels(Command):
    """A running `passthru tunnel --list`; nothing of it is left when the context ends."""

    def __init__(self, list_file: Path | None = None) -> None:
        """Start it, with a list of its own unless one is given."""
        self.folder = Path(tempfile.mkdtemp(prefix="pt-"))
        self.list_file = list_file or self.folder / "tunnels.json"
        super().__init__("tunnel", "--list", str(self.list_file))

    @override
    def check(self, said: str) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        assert "S3CRET" not in said, "a password in the log"
        super().check(said)

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
