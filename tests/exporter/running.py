"""A `passthru exporter` as its own process, beside a cache under test."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from prometheus_client.parser import text_string_to_metric_families

from passthru.stats.snapshot import Snapshot
from tests.nginx.cache import Cache
from tests.waiting import eventually

COMMAND: Final = (sys.executable, "-m", "passthru", "exporter")

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]
"""Values by name and labels."""


@dataclass
class Exporter:
    """One exporter; `start`, `kill` and `stop` as often as wanted."""

    cache: Cache
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def said(self) -> str:
        """All that it wrote."""
        return self._log.read_text()

    @property
    def _log(self) -> Path:
        return self.cache.home / "exporter.log"

    def start(self) -> Self:
        """Start it, and wait until it answers through nginx."""
        self.launch()
        assert eventually(lambda: self.cache.get("/metrics").status == 200), self.said
        return self

    def launch(self, **environment: str) -> None:
        """Start it, and wait for nothing."""
        path = os.pathsep.join(filter(None, sys.path))
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [*COMMAND, "--facts", f"{self.cache.site.live}/facts.json"],
                env={**os.environ, "PYTHONPATH": path, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """End it with SIGKILL."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> int:
        """End it in peace and return its exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(10)

    def close(self) -> None:
        """End it anyhow."""
        if self.process is not None and self.process.poll() is None:
            self.kill()
        sys.stderr.write(f"--- the exporter said\n{self.said}")

    def samples(self) -> Samples:
        """Scrape it once."""
        reply = self.cache.get("/metrics")
        assert reply.status == 200, reply.body
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(reply.body.decode())
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float:
        """Return one sample of a scrape."""
        return self.samples()[name, frozenset(labels.items())]

    def snapshot(self) -> Snapshot:
        """Return /status.json as the model of it."""
        return Snapshot.model_validate(self.json())

    def json(self) -> dict[str, Any]:
        """Return /status.json as it is."""
        reply = self.cache.get("/status.json")
        assert reply.status == 200, reply.body
        found: dict[str, Any] = json.loads(reply.body)
        return found

    def await_lines(self, count: int) -> None:
        """Wait until so many lines were read; AssertionError if they do not come, or more do."""
        read = 0.0

        def is_there() -> bool:
            nonlocal read
            read = self.value("passthru_log_lines_total")
            return read >= count

        assert eventually(is_there), f"{read} of {count} lines\n{self.said}"
        assert read == count
