"""The module's options: each is told of, and those of `settings` are the spec's."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from passthru.spec.duration import parse_duration
from passthru.spec.models import Spec
from passthru.spec.size import parse_size
from tests.nix.clients import Nix
from tests.nixos.options_page import PAGE, options, page
from tests.unit.cli.command import invoke

PREFIX: Final = "services.passthru-cache."
SETTINGS: Final = f"{PREFIX}settings."

# What NixOS decides and the spec leaves to the machine, or to what is read here as null.
ELSEWHERE: Final = {
    "state_directory": "/var/lib/passthru",
    "runtime_directory": "/run/passthru",
    "cache.directory": "/var/cache/passthru",
    "upstreams": [],
}


@pytest.fixture
def declared(a_nix: Nix, tmp_path: Path) -> list[dict[str, Any]]:
    """Return all options."""
    return options(a_nix, tmp_path)


def test_the_page_is_up_to_date(declared: list[dict[str, Any]]) -> None:
    """docs/reference/nixos-options.md is `python -m tests.nixos.options_page`, as it is now."""
    assert PAGE.read_text(encoding="utf-8") == page(declared)


def test_every_option_is_told_of(declared: list[dict[str, Any]]) -> None:
    """A description that ends in a full stop, a type and an example; a default, or it has to be set."""
    required = {"url", "certificate", "certificate_key"}
    for option in declared:
        assert option["description"].strip().endswith("."), option["name"]
        assert option["type"], option["name"]
        assert "example" in option, option["name"]
        last = option["name"].rpartition(".")[2]
        assert ("default" in option or "defaultText" in option) != (last in required), option[
            "name"
        ]


def test_the_names_that_users_of_nixos_passthru_cache_have(declared: list[dict[str, Any]]) -> None:
    """All of theirs are here."""
    theirs = {
        *("enable", "forceSSL", "lanMode", "upstream", "hostName", "cacheSize", "inactivity"),
        *("stats.enable", "stats.path", "stats.allowLocalOnly"),
    }

    assert {PREFIX + name for name in theirs} <= {option["name"] for option in declared}


def test_settings_are_keys_of_the_spec_with_its_defaults(declared: list[dict[str, Any]]) -> None:
    """A key that is renamed in the spec, or whose default changes, cannot be forgotten here."""
    schema = json.loads(invoke("schema"))
    spec = Spec()
    typed = [option for option in declared if option["name"].startswith(SETTINGS)]

    assert len(typed) > 20
    for option in typed:
        path = option["name"].removeprefix(SETTINGS)
        found = follow(schema, path.split("."))
        assert found is not None, f"{path} is no key of the spec"
        if "*" in path or path.startswith("tls.") or option.get("default") is None:
            continue
        assert option["default"] == ELSEWHERE.get(path, written(spec, path, option["default"])), (
            path
        )


def follow(schema: Any, path: list[str]) -> Any:  # noqa: ANN401 - JSON Schema
    """Return the part of a schema that a path leads to, or None."""
    found: Any = schema
    for name in path:
        found = open_reference(schema, found)
        found = found.get("items") if name == "*" else found.get("properties", {}).get(name)
        if found is None:
            return None
    return found


def open_reference(schema: Any, part: Any) -> Any:  # noqa: ANN401 - JSON Schema
    """Return what a part stands for: the other end of a reference, the choice that is not null."""
    for _ in range(5):
        if "$ref" in part:
            part = schema["$defs"][part["$ref"].rpartition("/")[2]]
        elif "anyOf" in part:
            part = next(choice for choice in part["anyOf"] if choice.get("type") != "null")
        elif "allOf" in part:
            part = part["allOf"][0]
    return part


def written(spec: Spec, path: str, default: object) -> object:
    """Return the spec's own default, as `default` if that means the same."""
    value: Any = spec
    for name in path.split("."):
        value = getattr(value, name)
    if isinstance(default, str) and isinstance(value, int):
        parse = parse_size if default[-1:] in "KMGT" else parse_duration
        return default if parse(default) == value else value
    return value
