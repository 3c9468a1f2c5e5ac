"""One Chromium for all tests of the pages."""

from collections.abc import Iterator

import pytest

from tests.pages.browser import CHROMIUM, Browser, running


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Start Chromium, or skip where there is none."""
    if not CHROMIUM:
        pytest.skip("no chromium here: sudo apt-get install chromium")
    with running(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser
