"""Options and fixtures of the whole test suite."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let golden files be written anew, for review in the diff."""
    parser.addoption(
        "--update-golden", action="store_true", help="Write golden files instead of comparing"
    )


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 64 MiB, if this machine lets us."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64M", "none", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("cannot mount a tmpfs here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)
