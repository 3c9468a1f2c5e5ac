"""The package: nixpkgs has to have what pyproject.toml asks for, by the names it has there."""

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

from passthru import __version__
from tests.checkout import ROOT
from tests.nix.clients import Nix
from tests.nixos.machine import Place, evaluate


def bare(requirement: str) -> str:
    """Return a requirement's name."""
    return re.split(r"[^A-Za-z0-9-]", requirement, maxsplit=1)[0]


def test_it_depends_on_what_the_project_depends_on(a_nix: Nix, place: Place) -> None:
    """No more and no less than pyproject.toml says; the version is the module's own."""
    package = evaluate(a_nix, place, "{ }", "package")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())

    assert package["version"] == __version__
    assert package["dependencies"] == sorted(map(bare, project["project"]["dependencies"]))
    assert package["build"] == [bare(text) for text in project["build-system"]["requires"]]


def test_it_is_built_of_what_it_needs_and_nothing_else(a_nix: Nix, place: Place) -> None:
    """A change of a test or of a page builds nothing anew."""
    kept = evaluate(a_nix, place, "{ }", "package")["kept"]

    assert kept == ["LICENSE", "README.md", "passthru/cli/app.py", "pyproject.toml", "templates/a"]


def test_a_wheel_can_be_made_of_that(tmp_path: Path) -> None:
    """What the package's source is narrowed to is enough for its build."""
    source = (ROOT / "nixos/package.nix").read_text()
    used = re.findall(r'"([^"]+)"', source[source.index("used = [") : source.index("];")])
    for name in used:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tmp_path / name)
        else:
            shutil.copy(ROOT / name, tmp_path / name)
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    (wheel,) = (tmp_path / "dist").glob("*.whl")

    assert "passthru/templates/nginx/server.conf.j2" in zipfile.ZipFile(wheel).namelist()
