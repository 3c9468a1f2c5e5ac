"""Fixtures of the behaviour tests, for the faults."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.nginx.conftest import cache, nginx, origin, origins, pytest_generate_tests

__all__ = ["cache", "folder", "nginx", "origin", "origins", "pytest_generate_tests"]


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a short path that nginx's workers, another user, may walk through."""
    with tempfile.TemporaryDirectory(prefix="pt-", ignore_cleanup_errors=True) as made:
        Path(made).chmod(0o755)
        yield Path(made)
