"""Caches with an exporter beside them."""

from collections.abc import Callable, Iterator

import pytest

from tests.exporter.running import Exporter
from tests.nginx.cache import Cache
from tests.nginx.conftest import cache, nginx, origin, origins, pytest_generate_tests

__all__ = ["cache", "exporter", "nginx", "origin", "origins", "pytest_generate_tests"]

StartExporter = Callable[[Cache], Exporter]
"""Start the exporter of a cache; it ends with the test."""


@pytest.fixture
def exporter() -> Iterator[StartExporter]:
    """Return a starter of exporters."""
    made: list[Exporter] = []

    def start(cache: Cache) -> Exporter:
        made.append(Exporter(cache))
        return made[-1].start()

    yield start
    for one in made:
        one.close()
