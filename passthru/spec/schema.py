"""The JSON Schema of a spec, for editors and for the NixOS module's tests."""

from typing import Any, Final

from pydantic.fields import FieldInfo

from passthru.spec.models import Spec
from passthru.spec.outline import find_otherwise, find_table, list_sections, write_default

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def spec_json_schema() -> dict[str, Any]:
    """Return the schema (draft 2020-12) of a spec as it is written, every key explained."""
    schema = Spec.model_json_schema()
    for section in list_sections():
        is_top = section.table is Spec
        table = schema if is_top else schema["$defs"][section.table.__name__]
        for key, field in section.table.model_fields.items():
            path = f"{section.path}.{key}" if section.path else key
            table["properties"][key] = _explain(table["properties"][key], path, field)
    return {"$schema": DIALECT, **schema, "title": "passthru spec"}


def _explain(entry: dict[str, Any], path: str, field: FieldInfo) -> dict[str, Any]:
    otherwise = find_otherwise(field)
    added: dict[str, Any] = {
        "title": path,
        "description": f"{field.description} Default: {otherwise}."
        if otherwise
        else field.description,
    }
    if not field.is_required():
        added["default"] = {} if _is_table(field) else write_default(field)
    if field.examples:
        added["examples"] = field.examples
    entry = {key: value for key, value in entry.items() if key not in {"default", "allOf"}} | {
        # pydantic before 2.9 wraps a reference that has a description
        key: value
        for wrapped in entry.get("allOf", ())
        for key, value in wrapped.items()
    }
    return entry | added


def _is_table(field: FieldInfo) -> bool:
    return find_table(field.annotation) is field.annotation
