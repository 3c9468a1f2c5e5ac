"""The pictures of the pages in docs/images: `python -m tests.pages.pictures`, where Chromium is.

They show the samples that the tests show. Letters are this machine's; Inter and JetBrains Mono suit.
"""

import tempfile
from pathlib import Path
from typing import Final

from tests.checkout import ROOT
from tests.pages.browser import Browser, running
from tests.pages.stage import staged
from tests.stats.snapshots import ailing, busy, fresh

PLACE: Final = ROOT / "docs" / "images"
PICTURES: Final = {
    "status-light": (busy, 1140),
    "status-dark": (busy, 1140),
    "status-attention": (ailing, 980),
    "status-first-minute": (fresh, 800),
}
"""What is shown, and how much of it from the top, in CSS pixels."""

WIDTH: Final = 1120


def take(browser: Browser, name: str) -> bytes:
    """Return the upper part of a page as PNG."""
    sample, height = PICTURES[name]
    is_dark = name.endswith("dark")
    with (
        staged(sample()) as stage,
        browser.page(width=WIDTH, height=height, is_dark=is_dark, scale=1.5) as page,
    ):
        page.goto(stage.url)
        return page.picture(is_whole=False)


def main() -> None:
    """Write all pictures."""
    PLACE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as profile, running(Path(profile)) as browser:
        for name in PICTURES:
            (PLACE / f"{name}.png").write_bytes(take(browser, name))


if __name__ == "__main__":
    main()
