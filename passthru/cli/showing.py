"""What `passthru demo` shows: an upstream in memory, a cache before it, three passes through it."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from passthru.cli.closure import Fetched, fetch_closure
from passthru.cli.memory_upstream import serve_files
from passthru.cli.trial import trial_instance
from passthru.nix.binary_cache import BinaryCache

OFF: Final = "upstream off"
PASSES: Final = (("cold", "MISS"), ("warm", "HIT"), (OFF, "HIT"))
"""The passes in order, and how every answer of each must have come about."""


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass over the closure, in seconds and bytes."""

    name: str
    expected: str
    fetched: Fetched
    upstream_requests: int
    upstream_bytes: int
    seconds: float

    @property
    def broken_promise(self) -> str | None:
        """Say what was not as promised, if anything was not."""
        if dict(self.fetched.statuses) != {self.expected: self.fetched.requests}:
            seen = ", ".join(f"{count} {status}" for status, count in self.fetched.statuses.items())
            return f"{self.name}: {self.fetched.requests} {self.expected} promised, {seen} seen"
        if self.expected == "HIT" and self.upstream_requests:
            return f"{self.name}: the upstream was asked {self.upstream_requests} times"
        return None


def show(
    cache: BinaryCache, folder: Path, *, on_path: Callable[[], None] = lambda: None
) -> Iterator[Pass]:
    """Yield each pass when it has ended; what is kept is below `folder`, and all on loopback.

    `on_path` is called after each store path. Raises PassthruError for anything that does not
    hold: an answer, a signature, a hash.
    """
    with (
        serve_files(cache.files) as upstream,
        trial_instance(folder, upstream=upstream.url, public_key=str(cache.public_key)) as address,
    ):
        for name, expected in PASSES:
            if name == OFF:
                upstream.stop()
            requests, received = upstream.meter.requests, upstream.meter.bytes
            start = time.monotonic()
            fetched = fetch_closure(address, cache.top, cache.public_key, on_path=on_path)
            yield Pass(
                name,
                expected,
                fetched,
                upstream.meter.requests - requests,
                upstream.meter.bytes - received,
                time.monotonic() - start,
            )
