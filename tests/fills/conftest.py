"""Fixtures of the behaviour tests, and a `passthru fills` beside a cache."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.faults.conftest import folder
from tests.fills.sidecar import Sidecar
from tests.nginx.cache import Cache
from tests.nginx.conftest import cache, nginx, origin, origins, pytest_generate_tests

__all__ = ["beside", "cache", "folder", "nginx", "origin", "origins", "pytest_generate_tests"]

StartBeside = Callable[[Cache], Sidecar]
"""Start the sidecar of a cache; it ends with the test."""


@pytest.fixture
def beside() -> Iterator[StartBeside]:
    """Return a starter of sidecars."""
    with ExitStack() as stack:
        yield lambda cache: stack.enter_context(Sidecar(cache))
