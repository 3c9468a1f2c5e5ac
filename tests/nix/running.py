"""A whole passthru, run as its operator would: `passthru up SPEC`, in directories of its own."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

START_SECONDS: Final = 20.0
STOP_SECONDS: Final = 10.0
UP: Final = (sys.executable, "-m", "passthru", "up")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered, the body as it came over the wire; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


ALONE: Final = 9
"""Fields of a line that has nothing to say of upstreams."""


@dataclass(frozen=True, slots=True)
class Logged:
    """One line of passthru's access log; `cache` is what $upstream_cache_status was."""

    method: str
    status: int
    path: str
    cache: str
    protocol: str | None
    """None where no upstream was asked."""


class Passthru:
    """A running instance; leave the context to stop it."""

    def __init__(self, spec: Mapping[str, object], *, address: str, folder: Path) -> None:
        """Start `up` on `spec` with all state below `folder`; AssertionError if it does not run."""
        self.address = address
        self.folder = folder
        self._spec = folder / "passthru.json"
        self._spec.write_text(json.dumps(spec), encoding="utf-8")
        self._socket = folder / "run/nginx.sock"
        self._output = folder / "up.log"
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [*UP, str(self._spec)],
                cwd=folder,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def __enter__(self) -> Self:
        deadline = time.monotonic() + START_SECONDS
        while not (self._healthy() and self._followers_served()):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._stop()
                raise AssertionError(f"passthru up did not come up:\n{self.output}")
            time.sleep(0.05)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        code = self._stop()
        assert error is not None or code == 0, f"passthru up ended with {code}:\n{self.output}"

    @property
    def output(self) -> str:
        """All that `up` has said so far."""
        return self._output.read_text(encoding="utf-8", errors="replace")

    def get(self, target: str, *, headers: Mapping[str, str] | None = None) -> Answer:
        """Ask for `target` exactly as written, over plain HTTP."""
        where = urlsplit(self.address)
        with contextlib.closing(
            http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)
        ) as connection:
            return ask(connection, target, headers=headers)

    def logged(self, count: int, *, within: float = 5.0) -> list[Logged]:
        """Return the access log once it has `count` lines (it is buffered), or after `within` s."""
        deadline = time.monotonic() + within
        while len(lines := self._log_lines()) < count and time.monotonic() < deadline:
            time.sleep(0.1)
        return lines

    def _log_lines(self) -> list[Logged]:
        text = (self.folder / "state/logs/access.log").read_text(encoding="utf-8")
        whole = (line for line in text.splitlines(keepends=True) if line.endswith("\n"))
        rows = [line.rstrip("\n").split("\t") for line in whole]
        return [
            Logged(
                method=row[2],
                status=int(row[3]),
                path=row[-1],
                cache=row[4],
                protocol=row[8] if len(row) > ALONE else None,
            )
            for row in rows
        ]

    def _healthy(self) -> bool:
        with socket.socket(socket.AF_UNIX) as control, contextlib.suppress(OSError):
            control.settimeout(5)
            control.connect(str(self._socket))
            control.sendall(b"GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return b" 200 " in control.recv(64)
        return False

    def _followers_served(self) -> bool:
        """Say whether `passthru fills` runs, where it has something to do."""
        rendered = self.folder / "state/live/fills.json"
        return (self.folder / "run/fills.pid").exists() or not rendered.exists()

    def _stop(self) -> int:
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise


def ask(
    connection: http.client.HTTPConnection,
    target: str,
    *,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Send one GET on an open connection and read the answer whole."""
    connection.request("GET", target, headers=dict(headers or {}))
    response = connection.getresponse()
    named = {name.lower(): value for name, value in response.getheaders()}
    return Answer(status=response.status, headers=named, body=response.read())
