"""Copies beside the nginx of a cache under test, made as `passthru hot` makes them."""

import time
from typing import Final

from passthru.cache.copies import copies_of
from passthru.hot.settings import parse_settings
from passthru.hot.shelf import Shelf
from tests.nginx.cache import Cache
from tests.nginx.stored import wait_stored

AT_ONCE: Final = {"open_file_cache_valid 1s": "open_file_cache_valid 0"}
"""A swap that lets nginx see a change of the copies with the next request, not within a second."""


def shelf_of(cache: Cache) -> Shelf:
    """Return the empty shelf that the live rendering looks at."""
    return Shelf(parse_settings(cache.rendering.files["hot.json"]))


def promote(cache: Cache, name: str, *targets: str, shelf: Shelf | None = None) -> Shelf:
    """Fetch narinfos, and copy them as those of the upstream `name`."""
    for target in targets:
        assert cache.get(target).status == 200
        wait_stored(cache, f"^{name}{target}$")
    shelf = shelf or shelf_of(cache)
    for target in targets:
        assert shelf.add(name, target, now=time.monotonic(), clock=time.time())
        assert len(copies_of(cache.site.hot, target)) == 1
    return shelf
