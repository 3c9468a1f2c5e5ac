"""The tests for virtual machines, which need a builder with KVM: here, as far as they go without one."""

import ast
import builtins
import re
import subprocess
from typing import Any, Final

import pytest

from tests.checkout import ROOT
from tests.nix.clients import Nix
from tests.nixos.machine import NixosMachine, Place, evaluate

TESTS: Final = ("substitute", "lan", "tls")

# What the test driver of NixOS has besides the machines.
DRIVER: Final = {"start_all", "subtest"}


@pytest.fixture
def tests(a_nix: Nix, place: Place) -> dict[str, Any]:
    """Return all of them, evaluated."""
    found: dict[str, Any] = evaluate(a_nix, place, "{ }", "tests")
    return found


def test_all_are_listed() -> None:
    """Each file is one of those that the flake's checks run."""
    files = {path.stem for path in (ROOT / "nixos/tests").glob("*.nix")}
    listed = re.findall(r"run \./(\w+)\.nix", (ROOT / "nixos/tests/default.nix").read_text())

    assert set(listed) == set(TESTS)
    assert files == {*TESTS, "default", "upstream"}


def test_their_machines_are_sound(tests: dict[str, Any], place: Place) -> None:
    """No assertion fails, and each cache's configuration can be built."""
    caches = [node for test in tests.values() for node in test["nodes"].values() if "wrong" in node]
    built = [NixosMachine(place, node) for node in caches if node["render"]]

    assert [node["wrong"] for node in caches] == [[]] * len(caches)
    assert len(built) == 3
    for machine in built:
        done = machine.build()
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", TESTS)
def test_their_scripts_use_what_is_there(tests: dict[str, Any], name: str) -> None:
    """Every name in a script is a machine, the driver's, Python's or its own."""
    tree = ast.parse(tests[name]["testScript"])
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    made = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    made |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    made |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    known = made | DRIVER | set(dir(builtins)) | set(tests[name]["nodes"])

    assert {node.id for node in names} <= known


@pytest.mark.parametrize("name", TESTS)
def test_the_upstream_is_where_it_is_looked_for(tests: dict[str, Any], name: str) -> None:
    """Machines have addresses by the order of their names; nginx is given one, for it reads no hosts."""
    nodes = sorted(tests[name]["nodes"])
    address = f"192.168.1.{nodes.index('upstream') + 1}"

    assert f"http://{address}" in (ROOT / f"nixos/tests/{name}.nix").read_text()


def test_every_nix_file_parses(a_nix: Nix) -> None:
    """Also those that nothing here evaluates: the flake, the package, default.nix."""
    files = [*sorted((ROOT / "nixos").rglob("*.nix")), ROOT / "flake.nix", ROOT / "default.nix"]
    for file in files:
        done = subprocess.run(
            [str(a_nix.programs / "nix-instantiate"), "--parse", str(file)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
