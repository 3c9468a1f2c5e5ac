"""The product works from a wheel, from an sdist's wheel, from an editable install, from a checkout."""

import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.checkout import ROOT, checkout_files, copy_checkout

SAMPLES: Final = sorted((ROOT / "tests/golden/nginx-V").glob("*"))
WHERE: Final = "from passthru.nginx.templates import template_dir; print(template_dir())"


@dataclass(frozen=True, slots=True)
class Built:
    """A copy of the checkout, and what was built from it."""

    tree: Path
    sdist: Path
    wheel: Path
    wheel_of_sdist: Path


def run(command: list[str | Path], *, cwd: Path) -> str:
    """Return what a command prints; show all it said when it fails."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    result = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**environment, "PIP_NO_INDEX": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    return result.stdout


def build(tree: Path, out: Path, *which: str) -> None:
    """Build into `out` with the hatchling of this environment."""
    run([sys.executable, "-m", "build", "--no-isolation", *which, "--outdir", out, tree], cwd=out)


def only(directory: Path, pattern: str) -> Path:
    """Return the one file that matches."""
    (found,) = directory.glob(pattern)
    return found


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Build the wheel, and the sdist with the wheel made from that, in a copy of the checkout."""
    work = tmp_path_factory.mktemp("built")
    tree = copy_checkout(work / "check out")
    direct, by_sdist = work / "direct", work / "by sdist"
    direct.mkdir()
    by_sdist.mkdir()
    build(tree, direct, "--wheel")
    build(tree, by_sdist)
    return Built(
        tree=tree,
        sdist=only(by_sdist, "*.tar.gz"),
        wheel=only(direct, "*.whl"),
        wheel_of_sdist=only(by_sdist, "*.whl"),
    )


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment that sees the libraries of this one, and not this checkout."""

    path: Path

    def install(self, *what: str | Path) -> None:
        """Install with the pip of this environment."""
        python = str(self.path / "bin/python")
        pip = [sys.executable, "-I", "-m", "pip", "--python", python]
        options = ["install", "--quiet", "--no-deps", "--no-build-isolation"]
        run([*pip, *options, *what], cwd=self.path)

    def run(self, *command: str | Path) -> str:
        """Return what a command of this environment prints, run far from any checkout."""
        return run([self.path / "bin" / command[0], *command[1:]], cwd=self.path)


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """Make a virtual environment; a .pth file lends it our libraries, whose own .pth are not read."""
    path = tmp_path / "v env"
    run([sys.executable, "-m", "venv", "--without-pip", path], cwd=tmp_path)
    site = only(path / "lib", "python*") / "site-packages"
    (site / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return Environment(path)


def wheel_names(wheel: Path) -> set[str]:
    """Return the names of the files in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def template_names() -> set[str]:
    """Return the checkout's templates, relative to it."""
    return {str(name) for name in checkout_files() if name.parts[0] == "templates"}


def test_wheel_holds_all_of_the_product_and_no_tests(built: Built) -> None:
    """Modules, templates, the typing mark and the licence; nothing else of the checkout."""
    names = wheel_names(built.wheel)
    modules = {str(name) for name in checkout_files() if name.parts[0] == "passthru"}

    assert modules <= names
    assert "passthru/py.typed" in names
    assert {f"passthru/{name}" for name in template_names()} <= names
    assert any(re.fullmatch(r"passthru-.*\.dist-info/licenses/LICENSE", name) for name in names)
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"passthru"}


def test_sdist_makes_the_same_wheel(built: Built) -> None:
    """The sdist lacks nothing that the wheel is made of."""
    assert wheel_names(built.wheel_of_sdist) == wheel_names(built.wheel)


def test_sdist_can_be_tested(built: Built) -> None:
    """The sdist has the tests, the script and the pins, so that a packager can run them."""
    with tarfile.open(built.sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
        modes = {member.name.partition("/")[2]: member.mode for member in archive}

    assert {"do", "constraints.txt", "pyproject.toml", "tests/checkout.py"} <= names
    assert modes["do"] & 0o111


@pytest.mark.parametrize("kind", ["wheel", "wheel_of_sdist", "editable"])
def test_installed_product_renders(built: Built, environment: Environment, kind: str) -> None:
    """An installed passthru finds its own templates and renders what the checkout renders."""
    if kind == "editable":
        environment.install("-e", built.tree)
        home = built.tree
    else:
        environment.install(getattr(built, kind))
        home = environment.path
    templates = Path(environment.run("python", "-I", "-c", WHERE).strip())
    found = {f"templates/{path.relative_to(templates)}" for path in templates.rglob("*.*")}

    assert templates.is_relative_to(home)
    assert found == template_names()
    for sample in SAMPLES:
        options = ("--file", "server.conf", "--nginx-v", sample)
        arguments = ("render", *options, ROOT / "tests/golden/local.toml")
        rendered = environment.run("passthru", *arguments)
        assert "proxy_pass" in rendered
        assert rendered == run([sys.executable, "-m", "passthru", *arguments], cwd=ROOT)


def test_checkout_finds_its_templates() -> None:
    """Without any installation, a checkout's own templates are used."""
    found = run([sys.executable, "-c", WHERE], cwd=ROOT).strip()

    assert Path(found) == ROOT / "templates"
