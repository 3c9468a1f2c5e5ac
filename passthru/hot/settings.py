"""What a rendering tells us: where nginx looks for copies, and where what they are made of is."""

import json
from dataclasses import dataclass

from passthru.cache.place import file_path
from passthru.errors import PassthruError


@dataclass(frozen=True, slots=True)
class Upstream:
    """One upstream."""

    name: str
    rewrites: tuple[tuple[str, str], ...]
    """What a line of its narinfos may begin with, and what that becomes."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One hot.json. Paths are absolute."""

    directory: str
    """Where all copies are."""

    root: str
    """Where those are that nginx looks for now."""

    most: int
    log: str
    zone: str
    levels: str
    upstreams: tuple[Upstream, ...]

    def stored(self, key: str) -> str:
        """Return where nginx stores the answer of `key`."""
        return file_path(self.zone, self.levels, key)


def parse_settings(text: str) -> Settings:
    """Read a hot.json; raises PassthruError."""
    try:
        record = json.loads(text)
        settings = Settings(
            directory=str(record["directory"]),
            root=str(record["root"]),
            most=int(record["most"]),
            log=str(record["log"]),
            zone=str(record["zone"]),
            levels=str(record["levels"]),
            upstreams=tuple(
                Upstream(
                    str(one["name"]), tuple((str(old), str(new)) for old, new in one["rewrites"])
                )
                for one in record["upstreams"]
            ),
        )
        settings.stored("")  # raises ValueError for levels that are none
    except (KeyError, TypeError, ValueError):
        raise PassthruError("the settings are none that passthru made") from None
    return settings
