"""What the Debian package is made by, and what it runs."""

import os
import shutil
import subprocess
from typing import Final

import pytest

from tests.checkout import ROOT
from tests.debian import unavailable

PLACE: Final = ROOT / "packaging/debian"
SCRIPTS: Final = ("build", "postinst", "prerm", "postrm")


@pytest.mark.parametrize("script", SCRIPTS)
def test_script_is_sound(script: str) -> None:
    """Plain POSIX sh, without what shellcheck knows to go wrong."""
    if not shutil.which("shellcheck"):
        unavailable("shellcheck is not installed")
    done = subprocess.run(
        ["shellcheck", PLACE / script], capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 0, done.stdout


def test_build_can_be_run() -> None:
    """A clone's script can be run as it is."""
    assert os.access(PLACE / "build", os.X_OK)


@pytest.mark.parametrize("script", ["postinst", "prerm", "postrm"])
def test_scripts_tell_units_by_the_list(script: str) -> None:
    """No unit is named where a new sidecar would be forgotten."""
    text = (PLACE / script).read_text(encoding="utf-8")

    assert "@units@" in text
    assert "passthru-" not in text
