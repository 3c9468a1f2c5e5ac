"""Copying what is hot until a signal, and following the settings of whatever is live."""

import time
from collections.abc import Callable

from passthru.hot.promotion import Promotion
from passthru.hot.settings import parse_settings
from passthru.sidecar.run import run
from passthru.sidecar.source import Source


async def serve(
    source: Source,
    *,
    on_ready: Callable[[], None] = lambda: None,
    alive: Callable[[], None] = lambda: None,
) -> None:
    """Copy what is hot as `source`, a hot.json, says; see `run` for when it reads and ends."""
    unchanged = "the settings stay as they are"
    await run(source, lambda _: _Copying(), unchanged=unchanged, on_ready=on_ready, alive=alive)


class _Copying:
    """What is copied now, if anything is to be."""

    def __init__(self) -> None:
        self._promotion: Promotion | None = None

    @property
    def count(self) -> int:
        """Say that nobody is served: nginx does that."""
        return 0

    def follow(self, text: str | None) -> None:
        """Do as the settings say; without any there are to be no copies."""
        settings = None if text is None else parse_settings(text)
        if self._promotion is not None and settings == self._promotion.settings:
            return
        self.close()
        if settings is not None:
            self._promotion = Promotion(settings, time.monotonic())

    def tidy(self) -> None:
        """Look whether there is something to do."""
        if self._promotion is not None:
            self._promotion.look(time.monotonic())

    def close(self) -> None:
        """Leave no copy behind."""
        if self._promotion is not None:
            self._promotion.close()
        self._promotion = None
