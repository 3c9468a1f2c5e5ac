"""One Chromium for all tests of the pages."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pages.browser import CHROMIUM, Browser, running


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Start Chromium, or skip where there is none."""
    if not CHROMIUM:
        pytest.skip("no chromium here: sudo apt-get install chromium")
    with running(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture
def folder() -> Iterator[Path]:
    """Make a directory that nginx's workers may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="passthru-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        yield Path(name)
