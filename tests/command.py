"""One of passthru's commands that go on running, as a process of its own."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self


class Command:
    """The process; nothing of it is left when the context ends, in which it may not have failed."""

    def __init__(self, *words: str) -> None:
        """Start `passthru WORDS…`."""
        self._log = tempfile.NamedTemporaryFile(prefix="pt-command-")  # noqa: SIM115 - for its life
        self.process = subprocess.Popen(
            [sys.executable, "-m", "passthru", *words],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
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
                self.kill()
                raise
        said = self.said
        self._log.close()
        self.check(said)

    def check(self, said: str) -> None:
        """Raise AssertionError if it wrote what it may not."""
        assert "Traceback" not in said, said

    @property
    def said(self) -> str:
        """All that it has written so far."""
        return Path(self._log.name).read_text(encoding="utf-8")

    def kill(self) -> None:
        """End it with SIGKILL."""
        self.process.kill()
        self.process.wait()
