"""The configurations that the documentation shows, evaluated as a reader would paste them."""

import re
from pathlib import Path
from typing import Final

import pytest

from tests.checkout import ROOT
from tests.nix.clients import Nix
from tests.nixos.machine import Place, make

PAGES: Final = ("docs/how-to/nixos.md", "docs/how-to/move-from-nixos-passthru-cache.md")
_BLOCK: Final = re.compile(r"^```nix\n(.*?)^```", re.MULTILINE | re.DOTALL)
_IMPORTS: Final = re.compile(r"^  imports = \[.*\];\n", re.MULTILINE)


def blocks(page: str) -> list[str]:
    """Return the Nix of a page."""
    return _BLOCK.findall((ROOT / page).read_text())


MODULES: Final = [
    pytest.param(text, id=f"{Path(page).stem}-{number}")
    for page in PAGES
    for number, text in enumerate(blocks(page))
    if "services.passthru-cache" in text
]


@pytest.mark.parametrize("text", MODULES)
def test_what_is_shown_can_be_built(a_nix: Nix, place: Place, text: str) -> None:
    """No assertion fails, and the rendering succeeds where there is one."""
    machine = make(a_nix, place, _IMPORTS.sub("", text).replace("{ inputs, ... }: ", ""))

    assert machine.wrong == ""
    if machine.summary["render"]:
        done = machine.build()
        assert done.returncode == 0, done.stderr


def test_only_import_and_prefix_change() -> None:
    """The two columns of the page on moving differ in nothing else."""
    there, here = blocks(PAGES[1])
    changed = there.replace("services.nixos-passthru-cache", "services.passthru-cache")

    assert len(_IMPORTS.findall(there)) == 1
    assert _IMPORTS.sub("", changed) == _IMPORTS.sub("", here)


def test_what_they_had_is_what_they_get(a_nix: Nix, place: Place) -> None:
    """Their configuration serves on the same ports, under the same name, with all they set."""
    there, _here = blocks(PAGES[1])
    text = _IMPORTS.sub("", there).replace("nixos-passthru-cache", "passthru-cache")
    machine = make(a_nix, place, text.replace("{ inputs, ... }: ", ""))
    spec = machine.written("passthru.json")

    assert machine.summary["tcp"] == [80, 443]
    assert (machine.host["forceSSL"], machine.host["enableACME"]) == (True, True)
    assert machine.host["serverName"] == "cache.example.org"
    assert [upstream["url"] for upstream in spec["upstreams"]] == ["https://cache.nixos.org"]
    assert (spec["cache"]["size"], spec["cache"]["inactive"]) == ("500G", "60d")
    assert spec["status"] == {"enable": True, "path": "/status", "allow": ["0.0.0.0/0", "::/0"]}


@pytest.mark.parametrize(
    ("options", "allow"),
    [
        ('hostName = "c.org";', ["127.0.0.0/8", "::1"]),
        ("lanMode = true;", None),
        ("lanMode = true; stats.allowLocalOnly = true;", ["127.0.0.0/8", "::1"]),
    ],
)
def test_who_sees_the_status_page(
    a_nix: Nix, place: Place, options: str, allow: list[str] | None
) -> None:
    """As there: this machine; in LAN mode whom the spec lets in, unless asked otherwise."""
    text = f"{{ services.passthru-cache = {{ enable = true; {options} }}; }}"

    assert make(a_nix, place, text).written("passthru.json")["status"].get("allow") == allow
