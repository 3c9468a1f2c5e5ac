"""Fixtures of the commands' tests."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def folder() -> Iterator[Path]:
    """Make a directory that nginx's workers may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="passthru-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)
