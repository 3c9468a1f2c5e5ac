"""One line for a trouble, and not one for each request that meets it."""

import logging
import time
from typing import Final

_EVERY: Final = 30.0
"""Seconds after which a trouble that goes on is told again."""

logger: Final = logging.getLogger(__name__)


class Complaints:
    """What went wrong with one tunnel, as far as it has been told."""

    def __init__(self, name: str) -> None:
        """Begin in health."""
        self._name = name
        self._told: str | None = None
        self._at = 0.0
        self._silent = 0

    def fail(self, what: str) -> None:
        """Tell `what`, unless it was told just now."""
        now = time.monotonic()
        if what == self._told and now - self._at < _EVERY:
            self._silent += 1
            return
        again = f" ({self._silent} more times since)" if what == self._told and self._silent else ""
        logger.warning("%s: %s%s", self._name, what, again)
        self._told, self._at, self._silent = what, now, 0

    def succeed(self) -> None:
        """Tell that it works again, if it did not."""
        if self._told is not None:
            logger.info("%s: works again", self._name)
        self._told, self._silent = None, 0
