"""constraints.txt pins all that pyproject.toml asks for, and nothing but names and versions."""

import re
import tomllib
from collections.abc import Iterator
from importlib import metadata
from typing import Any, Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.checkout import ROOT

PIN: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([0-9][A-Za-z0-9.!+]*)")


def pin_lines() -> list[str]:
    """Return the lines of constraints.txt that are no comment."""
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def pins() -> dict[str, str]:
    """Return the pinned version of each canonical name."""
    matches = (PIN.fullmatch(line) for line in pin_lines())
    return {canonicalize_name(match[1]): match[2] for match in matches if match}


def requirements() -> list[str]:
    """Return every requirement that pyproject.toml states, to run, to build and to develop."""
    tables = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups: dict[str, list[Any]] = tables["dependency-groups"]
    grouped = (entry for group in groups.values() for entry in group if isinstance(entry, str))
    return [*tables["project"]["dependencies"], *tables["build-system"]["requires"], *grouped]


def closure(names: list[str]) -> Iterator[str]:
    """Yield the canonical names that `names` need here, themselves included."""
    seen: set[str] = set()
    while names:
        name = canonicalize_name(names.pop())
        if name in seen:
            continue
        seen.add(name)
        yield name
        needs = [Requirement(text) for text in metadata.requires(name) or ()]
        names += [need.name for need in needs if not need.marker or need.marker.evaluate()]


def test_only_names_and_versions() -> None:
    """No address, hash, marker or option stands in the file, and it is sorted for a small diff."""
    lines = pin_lines()
    names = [line.partition("==")[0].lower() for line in lines]

    assert [line for line in lines if not PIN.fullmatch(line)] == []
    assert names == sorted(names)


@pytest.mark.parametrize("requirement", requirements())
def test_requirement_is_pinned(requirement: str) -> None:
    """A pin exists and is one that the requirement allows."""
    wanted = Requirement(requirement)
    pin = pins()[canonicalize_name(wanted.name)]

    assert wanted.specifier.contains(pin, prereleases=True)


def test_all_that_comes_along_is_pinned() -> None:
    """What the requirements need in turn is pinned too, so that two days install the same."""
    names = [Requirement(text).name for text in requirements()]

    assert [name for name in closure(names) if name not in pins()] == []
