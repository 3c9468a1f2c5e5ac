"""Both pages before axe-core, where this machine's npm can fetch it; nothing of it is kept here."""

import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from passthru.nginx.page import content_security_policy
from tests.pages.browser import Browser, Page
from tests.pages.stage import staged
from tests.pages.test_landing_in_a_browser import PAGE, served
from tests.stats.snapshots import SAMPLES

PACKAGE = "axe-core@4"


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Fetch axe-core as this machine is configured to, or skip."""
    npm = shutil.which("npm")
    if not npm:
        pytest.skip("npm is not installed: axe-core cannot be fetched")
    place = tmp_path_factory.mktemp("axe")
    command = [npm, "pack", PACKAGE, "--silent", "--ignore-scripts", "--fetch-retries=0"]
    try:
        done = subprocess.run(command, cwd=place, capture_output=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("npm did not fetch axe-core within 60 s")
    packed = list(place.glob("*.tgz"))
    if done.returncode or not packed:
        pytest.skip(f"npm could not fetch axe-core: {done.stderr.decode(errors='replace')[-200:]}")
    return _read(packed[0], "package/axe.min.js")


def _read(archive: Path, name: str) -> str:
    with tarfile.open(archive) as packed:
        member = packed.extractfile(name)
        assert member
        return member.read().decode()


@pytest.mark.parametrize(
    ("name", "width", "is_dark"),
    [
        ("busy", 1200, False),
        ("busy", 360, True),
        ("fresh", 360, False),
        ("failing", 1200, True),
        ("hostile", 1200, False),
    ],
)
def test_axe_finds_nothing(
    browser: Browser, axe: str, name: str, width: int, *, is_dark: bool
) -> None:
    """None of its rules is broken, best practice among them, with all parts open."""
    with staged(SAMPLES[name]()) as stage, browser.page(width=width, is_dark=is_dark) as page:
        page.goto(stage.url)
        page.run("document.querySelectorAll('details').forEach((d) => (d.open = true))")
        assert violations(page, axe) == []


def test_axe_finds_nothing_on_the_landing_page(browser: Browser, axe: str) -> None:
    """Nor there."""
    with served(content_security_policy(PAGE)) as origin, browser.page() as page:
        page.goto(origin)
        assert violations(page, axe) == []


def violations(page: Page, axe: str) -> list[tuple[str, list[str]]]:
    """Return the rules that are broken, and where."""
    page.run(axe)
    result = page.run(
        "axe.run().then(({ passes, violations }) => ({ passes: passes.length, violations }))"
    )
    assert result["passes"] > 20
    return [(v["id"], [node["html"][:200] for node in v["nodes"]]) for v in result["violations"]]
