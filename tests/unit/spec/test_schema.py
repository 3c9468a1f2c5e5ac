"""The JSON Schema of a spec."""

import json
import re
from typing import Any

import pytest

from passthru.spec import spec_json_schema
from passthru.spec.outline import list_sections
from passthru.spec.text import FORBIDDEN

SCHEMA = spec_json_schema()
TABLES = {
    section.path: SCHEMA if not section.path else SCHEMA["$defs"][section.table.__name__]
    for section in list_sections()
}


def test_the_schema_says_what_it_is() -> None:
    """An editor knows the dialect, and the schema is plain JSON."""
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMA["title"] == "passthru spec"
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


@pytest.mark.parametrize("path", TABLES)
def test_every_key_is_explained(path: str) -> None:
    """Each key has a title, a description, a default or the duty to be there, and an example."""
    table = TABLES[path]
    assert table["additionalProperties"] is False
    for key, entry in table["properties"].items():
        assert entry["title"] == (f"{path}.{key}" if path else key)
        assert entry["description"]
        assert ("default" in entry) != (key in table.get("required", []))
        assert "examples" in entry or "$ref" in json.dumps(entry)


def test_sizes_and_durations_are_text_or_numbers() -> None:
    """Both ways of writing are in the schema, and the default is written as people do."""
    for key, default in (("size", "200G"), ("min_free", "5G"), ("inactive", "365d")):
        entry = TABLES["cache"]["properties"][key]
        assert {choice["type"] for choice in entry["anyOf"]} == {"string", "integer"}
        assert entry["default"] == default
        assert re.search(pattern_of(entry), default)
        assert not re.search(pattern_of(entry), "")
        assert not re.search(pattern_of(entry), "x")


def pattern_of(entry: dict[str, Any]) -> str:
    """Return the pattern of the textual choice."""
    return str(next(choice["pattern"] for choice in entry["anyOf"] if "pattern" in choice))


def test_what_is_not_one_value_is_described() -> None:
    """A default that depends on the mode or the machine is in the description."""
    entry = TABLES["listen"]["properties"]["port"]
    assert entry["default"] is None
    assert entry["description"].endswith('Default: 8080 in mode "local", 80 in the others.')


def test_defaults_of_upstreams_are_the_least_to_write() -> None:
    """The default upstream is what a user would write for it."""
    [upstream] = TABLES[""]["properties"]["upstreams"]["default"]
    assert upstream.keys() == {"url", "public_keys"}
    assert TABLES[""]["properties"]["cache"]["default"] == {}


def test_forbidden_characters_are_in_the_pattern() -> None:
    """An editor marks them too."""
    pattern = pattern_of(TABLES[""]["properties"]["host_name"])
    assert re.search(pattern, "cache.example.org")
    for character in (*FORBIDDEN, "\n", "\0", "\x7f"):
        assert not re.fullmatch(pattern, f"a{character}b")
