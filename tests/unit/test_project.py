"""What holds for the project's files as such."""

import os
import re
from typing import Final

import pytest

from tests.checkout import ROOT, checkout_files

# In pieces, so that this file does not hold what it looks for.
INDEXES: Final = (
    ("pypi", "org"),
    ("pythonhosted", "org"),
    ("registry", "npmjs"),
    ("deb", "debian", "org"),
    ("security", "debian", "org"),
    ("archive", "ubuntu", "com"),
    ("proxy", "golang", "org"),
)
LONGEST: Final = 300


def test_no_file_names_a_package_index() -> None:
    """Where packages come from is the machine's configuration, never the project's."""
    pattern = re.compile("|".join(re.escape(".".join(words)) for words in INDEXES).encode())
    found = [str(name) for name in checkout_files() if pattern.search((ROOT / name).read_bytes())]

    assert found == []


def test_modules_are_short() -> None:
    """A module past 300 lines holds more than one noun."""
    modules = [name for name in checkout_files() if name.parts[0] == "passthru"]
    lengths = {
        str(name): len((ROOT / name).read_bytes().splitlines())
        for name in modules
        if name.suffix == ".py"
    }

    assert lengths
    assert {name: count for name, count in lengths.items() if count > LONGEST} == {}


@pytest.mark.parametrize("name", ["do", ".ci/run"])
def test_scripts_have_run_bits(name: str) -> None:
    """A clone's scripts can be run as they are."""
    assert os.access(ROOT / name, os.X_OK)
    assert (ROOT / name).read_bytes().startswith(b"#!")


def test_no_file_is_large() -> None:
    """No tracked file is past 512 KiB."""
    large = [str(name) for name in checkout_files() if (ROOT / name).stat().st_size > 512 * 1024]

    assert large == []
