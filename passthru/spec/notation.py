"""The two ways to write a spec, and how each calls and writes things."""

import json
import re
from enum import StrEnum
from typing import Final

Location = tuple[str | int, ...]
"""Where a value is: the keys, and the indexes of lists, that lead to it."""

_BARE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")

_TYPES: Final = (
    (str, "a string", "a string"),
    (int, "an integer", "a number"),
    (float, "a float", "a number with a decimal point"),
    (list, "an array", "an array"),
    (dict, "a table", "an object"),
)


class Notation(StrEnum):
    """TOML, as people write it, or JSON, as NixOS does."""

    TOML = "TOML"
    JSON = "JSON"

    @property
    def table(self) -> str:
        """What a table is called, with its article."""
        return "a table" if self is Notation.TOML else "an object"

    def name_type(self, value: object) -> str:
        """Return what the value is in this notation's words, with an article."""
        if value is None:
            return "null"
        if isinstance(value, bool):
            return f"{value}".lower()
        for kind, toml, json_name in _TYPES:
            if isinstance(value, kind):
                return toml if self is Notation.TOML else json_name
        return "a date or time"

    def write(self, key: str, value: object) -> str:
        """Return the line that gives `key` this value."""
        text = json.dumps(value, ensure_ascii=False)
        return f"{key} = {text}" if self is Notation.TOML else f'"{key}": {text}'

    def write_table(self, path: str, key: str, value: object) -> str:
        """Return how a table (`tls`, or `upstreams[]`) with one of its keys is written."""
        name = path.removesuffix("[]")
        if self is Notation.TOML:
            heading = f"[{name}]" if name == path else f"[[{name}]]"
            return f"{heading} and below it {self.write(key, value)}"
        table = f"{{{self.write(key, value)}}}"
        return f'"{name}": {table if name == path else f"[{table}]"}'

    def name_table(self, path: str) -> str:
        """Return how the table at `path` (`tls`, `upstreams[]`, empty for the top) is entered."""
        if not path:
            return (
                "before the first [table]" if self is Notation.TOML else "in the outermost object"
            )
        if self is Notation.JSON:
            return f'in "{path.removesuffix("[]")}"'
        return f"under [[{path[:-2]}]]" if path.endswith("[]") else f"under [{path}]"


def write_where(location: Location) -> str:
    """Return a place in a spec as errors name it: `upstreams[1].url`."""
    where = ""
    for step in location:
        if isinstance(step, int):
            where += f"[{step}]"
            continue
        name = step if _BARE.fullmatch(step) else json.dumps(step[:64])
        where += f".{name}" if where else name
    return where
