"""The units: what systemd thinks of them, and what they say."""

import configparser
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from passthru.cli.app import app
from passthru.nginx.templates import template_dir
from passthru.systemd.layout import PACKAGE, SPEC, Directories
from passthru.systemd.sidecar import SIDECARS, Reach, Sidecar
from passthru.systemd.units import command_words, render_files, service_name, unit_names, word

UNITS: Final = unit_names(SIDECARS)
MOST_EXPOSED: Final = 20
"""Tenths, as systemd-analyze counts; 100 is a service that may do everything."""

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)


def settings(text: str) -> dict[str, list[str]]:
    """Return the settings of a unit's [Service]; each may stand there several times."""
    section = text.partition("[Service]\n")[2].partition("\n[")[0]
    found: dict[str, list[str]] = {}
    for line in section.splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


@pytest.fixture
def written(packaged: Mapping[str, str], tmp_path: Path) -> Path:
    """Write all units into a directory."""
    for path, text in packaged.items():
        if path.endswith(".service"):
            (tmp_path / Path(path).name).write_text(text, encoding="utf-8")
    return tmp_path


@needs_systemd
@pytest.mark.parametrize("unit", UNITS)
def test_no_unit_is_exposed(written: Path, unit: str) -> None:
    """What a unit may do beyond its work is little, by systemd's own count."""
    asked = subprocess.run(
        [
            *("systemd-analyze", "security", "--offline=yes"),
            *(f"--threshold={MOST_EXPOSED}", "--no-pager", str(written / unit)),
        ],
        capture_output=True,
        timeout=60,
        encoding="utf-8",
        check=False,
    )

    assert asked.returncode == 0, asked.stdout


@needs_systemd
def test_systemd_has_no_complaint(written: Path) -> None:
    """Every section and setting is known, and every other unit that is named is there."""
    asked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(written / unit) for unit in UNITS)],
        capture_output=True,
        timeout=60,
        encoding="utf-8",
        check=False,
    )

    assert (asked.returncode, asked.stderr) == (0, "")


@pytest.mark.parametrize("unit", UNITS)
def test_unit_is_well_formed(packaged: Mapping[str, str], unit: str) -> None:
    """Three sections in the usual order, no empty setting that was meant to be filled."""
    text = packaged[PACKAGE.unit(unit)]
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(text)

    assert parser.sections() == ["Unit", "Service", "Install"]
    assert re.findall(r"^(\w+)=$", text, flags=re.MULTILINE) in (
        [],
        ["CapabilityBoundingSet"],
    )
    assert "{" not in text


@pytest.mark.parametrize("sidecar", SIDECARS, ids=lambda one: one.name)
def test_sidecar_lives_by_itself(packaged: Mapping[str, str], sidecar: Sidecar) -> None:
    """It starts and stops with nginx, comes back alone, and has no right that nginx has not."""
    text = packaged[PACKAGE.unit(service_name(sidecar))]

    assert "\nPartOf=passthru.service\n" in text
    assert "\nAfter=passthru.service\n" in text
    assert "\nWantedBy=passthru.service\n" in text
    assert settings(text)["Restart"] == ["always"]
    assert settings(text)["CapabilityBoundingSet"] == [""]
    assert "AmbientCapabilities" not in text


@pytest.mark.parametrize("sidecar", SIDECARS, ids=lambda one: one.name)
def test_sidecar_is_a_command(sidecar: Sidecar) -> None:
    """Its unit calls a command that there is, with options that it has."""
    command = app.commands[sidecar.name]
    known = {name for option in command.params for name in option.opts}

    assert {part for part in sidecar.words if part.startswith("--")} <= known


def test_reach_of_a_sidecar_is_what_it_needs(packaged: Mapping[str, str]) -> None:
    """Only who calls others gets at the network, and the exporter does not."""
    for sidecar in SIDECARS:
        found = settings(packaged[PACKAGE.unit(service_name(sidecar))])
        is_shut = found.get("PrivateNetwork") == ["yes"]
        (families,) = found["RestrictAddressFamilies"]
        assert is_shut == (sidecar.reach is Reach.NONE)
        assert ("AF_INET" in families) == (not is_shut)
        assert ("AF_NETLINK" in families) == (sidecar.reach is Reach.NEIGHBOURS)


def test_nginx_is_restarted_but_for_a_wrong_spec(packaged: Mapping[str, str]) -> None:
    """The exit code of a spec that is refused is the one that systemd does not try again."""
    found = settings(packaged[PACKAGE.unit("passthru.service")])

    assert found["Restart"] == ["always"]
    assert found["RestartPreventExitStatus"] == ["78"]
    assert found["Type"] == ["notify"]
    assert found["ExecStart"] == [f"/bin/true up --no-sidecars {SPEC}"]
    assert found["ExecReload"] == [f"/bin/true apply {SPEC}"]


def test_directories_of_a_spec_can_be_written() -> None:
    """A cache elsewhere is made and may be written to, and state elsewhere is looked for there."""
    files = render_files(
        PACKAGE,
        templates=template_dir(),
        program=("/opt/pass thru/bin/passthru",),
        sidecars=SIDECARS,
        directories=Directories(cache="/srv/big disk", state="/srv/state"),
    )
    service = settings(files[PACKAGE.unit("passthru.service")])
    tunnel = settings(files[PACKAGE.unit("passthru-tunnel.service")])

    assert service["ReadWritePaths"] == ['"/srv/big disk"', "/srv/state"]
    assert service["ExecReload"] == [f'"/opt/pass thru/bin/passthru" apply {SPEC}']
    assert tunnel["ExecStart"][0].endswith(" tunnel --list /srv/state/live/tunnels.json")
    assert 'd "/srv/big disk" 0755 passthru passthru\n' in files[PACKAGE.directories_file]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("/usr/bin/passthru", "/usr/bin/passthru"),
        ("/srv/check out", '"/srv/check out"'),
        ('say "x"', '"say \\"x\\""'),
        ("back\\slash", '"back\\\\slash"'),
        ("100%", '"100%%"'),
        ("it's", '"it\'s"'),
        ("", '""'),
    ],
)
def test_words_are_quoted_as_systemd_reads_them(text: str, written: str) -> None:
    """Spaces, quotes, backslashes and percent signs of a path stay what they are."""
    assert word(text) == written


def test_dollar_of_a_command_is_no_variable() -> None:
    """A dollar in a path is doubled in a command line."""
    assert command_words(("/srv/$home/x", "up")) == "/srv/$$home/x up"
