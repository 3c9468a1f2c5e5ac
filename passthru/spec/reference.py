"""The reference page of the spec, made from the models: `python -m passthru.spec.reference`."""

import json
import sys
from collections.abc import Iterator
from enum import EnumType
from typing import Final

from pydantic.fields import FieldInfo

from passthru.spec.outline import (
    Section,
    find_kind,
    find_otherwise,
    find_table,
    is_list,
    list_sections,
    write_default,
)

_INTRODUCTION: Final = """\
<!-- Made by `python -m passthru.spec.reference`; change the models in passthru/spec instead. -->

# The spec

The spec is one file, in TOML or in JSON, with the same names in both.
A file whose name ends in `.json`, or whose text begins with a brace, is JSON.
Every key may be left out, except those marked *required* in a table that is there.
The empty file is a spec: a cache of cache.nixos.org on `127.0.0.1:8080`.
`passthru check` names everything that is wrong with a spec, and `passthru schema` prints its JSON Schema.

* A **size** is a whole number with `K`, `M`, `G` or `T`, such as `"200G"`.
  These are powers of 1024, and `GB` and `GiB` are read as `G`.
  A number without a unit is in bytes.
* A **duration** is made of whole numbers with `y`, `w`, `d`, `h`, `m` and `s`, the largest first, such as `"30d"` or `"1h30m"`.
  A number without a unit is in seconds.
* A **path** is absolute, and has no space in it.
* No string may hold a quote, a backslash, a control character or one of ``; { } $ # ` ``.
  Nothing is escaped for nginx; what would need it is refused.
  In the password of a proxy, write such a character percent-encoded.
"""


def write_reference() -> str:
    """Return the page as Markdown; the same for the same models."""
    return "\n".join([_INTRODUCTION, *(line for s in list_sections() for line in _write(s))])


def _write(section: Section) -> Iterator[str]:
    if section.path:
        name = section.path.removesuffix("[]")
        yield f"## `[[{name}]]`\n" if section.path.endswith("[]") else f"## `[{name}]`\n"
        yield f"{section.table.__doc__}\n"
    else:
        yield "## Before the first table\n"
    yield "| key | type | default | meaning | example |"
    yield "| --- | --- | --- | --- | --- |"
    for key, field in section.table.model_fields.items():
        if find_table(field.annotation) is None:
            yield _row(key, field)
    yield ""


def _row(key: str, field: FieldInfo) -> str:
    example = json.dumps((field.examples or [None])[0], ensure_ascii=False)
    cells = (f"`{key}`", _type(field), _default(field), field.description or "", f"`{example}`")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _type(field: FieldInfo) -> str:
    if isinstance(field.annotation, EnumType):
        return " or ".join(f'`"{choice}"`' for choice in field.annotation)
    kind = find_kind(field)
    noun = "value" if kind is None else kind.noun
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"array of {plural}" if is_list(field.annotation) else noun


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "*required*"
    return find_otherwise(field) or f"`{json.dumps(write_default(field), ensure_ascii=False)}`"


if __name__ == "__main__":
    sys.stdout.write(write_reference())
