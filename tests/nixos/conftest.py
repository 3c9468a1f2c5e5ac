"""What the tests of the NixOS module share."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.debian import UnavailableError, unavailable
from tests.nginx.nginxes import NginxBinary, nginx_of
from tests.nix.clients import SUITES, Nix, first_nix, nix_of
from tests.nixos.machine import NixosMachine, Place, make

Make = Callable[[str], NixosMachine]


@pytest.fixture(scope="session")
def modern_nginx() -> NginxBinary:
    """Return an nginx like that of NixOS, which looks up upstreams by itself."""
    try:
        return nginx_of("sid")
    except UnavailableError as error:
        unavailable(str(error))


@pytest.fixture
def place(tmp_path: Path, modern_nginx: NginxBinary) -> Place:
    """Return where a machine is evaluated."""
    programs = {
        "passthru": f'exec {sys.executable} -m passthru "$@"',
        "nginx": f'exec {modern_nginx.path} "$@"',
    }
    for name, command in programs.items():
        program = tmp_path / name / "bin" / name
        program.parent.mkdir(parents=True)
        program.write_text(f"#!/bin/sh\n{command}\n")
        program.chmod(0o755)
    return Place(
        folder=tmp_path,
        passthru=tmp_path / "passthru",
        nginx=tmp_path / "nginx",
        nginx_version=modern_nginx.version,
    )


@pytest.fixture(scope="session")
def a_nix() -> Nix:
    """Return the first Nix there is."""
    try:
        return first_nix()
    except UnavailableError as error:
        unavailable(str(error))


@pytest.fixture(params=SUITES)
def nix(request: pytest.FixtureRequest) -> Nix:
    """Return each version of Nix in turn."""
    try:
        return nix_of(request.param)
    except UnavailableError as error:
        unavailable(str(error))


@pytest.fixture
def nixos(a_nix: Nix, place: Place) -> Make:
    """Evaluate a configuration, written as what follows `services.passthru-cache = `."""
    return lambda options: make(a_nix, place, f"{{ services.passthru-cache = {options}; }}")
