"""Doing what a source says, each time that it says something new."""

import logging
from collections.abc import Callable
from typing import Final

from passthru.errors import PassthruError
from passthru.sidecar.source import Source

logger: Final = logging.getLogger(__name__)


class Follower:
    """Remembers what was read last."""

    def __init__(
        self, source: Source, obey: Callable[[str | None], None], *, unchanged: str
    ) -> None:
        """Let `obey` be given each new text; where it or reading fails, `unchanged` is logged."""
        self._source = source
        self._obey = obey
        self._unchanged = unchanged
        self._stamp: object = self

    def again(self) -> None:
        """Read it next time even if it has not changed."""
        self._stamp = self

    def look(self) -> None:
        """Read it if it has changed; what cannot be read or obeyed changes nothing."""
        stamp = self._source.stamp()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._obey(self._source.read())
        except (PassthruError, OSError) as fault:
            logger.error("%s: %s", self._unchanged, fault)  # noqa: TRY400 - it is not a bug
