"""What packages are called: learnt from the narinfos that nginx has stored, and only if it is wanted.

The stored files are read as they lie there, which asks nobody and counts as no request. They belong
to nginx's workers: an exporter that is neither they nor root learns no name.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from passthru.cache.nar_url import PLAIN_HOST, handed_out
from passthru.cache.place import LEVELS, file_path
from passthru.stats.batch import PathCount
from passthru.stats.facts import Facts
from passthru.stats.snapshot import Wanted

MOST: Final = 5000
"""Names kept."""

AT_ONCE: Final = 100
"""Files read before somebody who waits gets an answer."""

SHOWN: Final = 20

_NARINFO: Final = re.compile(r"/[0-9a-df-np-sv-z]{32}\.narinfo")
_STORE_PATH: Final = re.compile(
    rb"^StorePath: /\S*/[0-9a-z]{32}-([0-9A-Za-z+._?=-]{1,211})$", re.MULTILINE
)
_URL: Final = re.compile(rb"^URL: ((?:nar/|https?://)[!-~]{1,1000})$", re.MULTILINE)
_LONGEST: Final = 65536


@dataclass(slots=True)
class Names:
    """The packages behind paths."""

    _by_nar: dict[str, str] = field(default_factory=dict)
    """A NAR's path, as clients ask for it, to its package."""

    _read: dict[str, None] = field(default_factory=dict)
    """The narinfos that were read, oldest first."""

    def learn(self, facts: Facts, paths: Iterable[str]) -> None:
        """Read the narinfos among `paths` that were not read yet, AT_ONCE of them at most."""
        fresh = [path for path in paths if path not in self._read and _NARINFO.fullmatch(path)]
        for path in fresh[:AT_ONCE]:
            if self._learn(facts, path):
                self._read[path] = None
        for known in (self._read, self._by_nar):
            while len(known) > MOST:
                del known[next(iter(known))]

    def name_of(self, path: str) -> str | None:
        """Return the package whose NAR this is."""
        return self._by_nar.get(path)

    def wanted(self, counts: Iterable[tuple[str, PathCount]]) -> tuple[Wanted, ...]:
        """Return the packages that were downloaded most, of what is known by name."""
        found: dict[str, PathCount] = {}
        for path, count in counts:
            name = self.name_of(path)
            if name is not None:
                sums = found.setdefault(name, PathCount())
                sums.requests += count.requests
                sums.sent_bytes += count.sent_bytes
        ordered = sorted(found.items(), key=lambda one: (-one[1].requests, one[0]))
        return tuple(
            Wanted(name=name, requests=sums.requests, served_bytes=sums.sent_bytes)
            for name, sums in ordered[:SHOWN]
        )

    def _learn(self, facts: Facts, path: str) -> bool:
        directories = [zone.directory for zone in facts.zones if zone.name == "metadata"]
        for index, upstream in enumerate(facts.upstreams):
            for directory in directories:
                text = _stored(directory, f"{upstream.name}{path}")
                name, url = _STORE_PATH.search(text), _URL.search(text)
                if name and url:
                    nar = url[1].decode()
                    plain = urlsplit(upstream.url).hostname == PLAIN_HOST
                    told = handed_out(nar, upstream.name, first=not index, plain=plain)
                    self._by_nar[f"/{told}"] = name[1].decode()
                    return True
        return False


def _stored(directory: str, key: str) -> bytes:
    """Return what nginx stored under a key, its own head included; nothing if it did not."""
    try:
        with open(file_path(directory, LEVELS, key), "rb") as file:  # noqa: PTH123 - in one call
            return file.read(_LONGEST)
    except OSError:
        return b""
