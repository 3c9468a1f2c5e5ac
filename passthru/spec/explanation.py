"""One error of pydantic in an operator's words: what is wrong, what to write."""

import json
import re
from dataclasses import dataclass
from difflib import get_close_matches
from enum import EnumType
from typing import Final

from pydantic_core import ErrorDetails

from passthru.spec.fault import BadValueError, WrongTypeError
from passthru.spec.notation import Location, Notation
from passthru.spec.outline import field_at, find_table, is_list
from passthru.spec.text import shown
from passthru.spec.unknown import explain_unknown

_EXPECTED: Final = {
    "string_type": "a string",
    "bool_type": "true or false",
    "enum": "a string",
    "int_type": "an integer",
    "tuple_type": "an array",
}
_TABLES: Final = frozenset(("model_type", "model_attributes_type", "dict_type"))
_YES: Final = frozenset(("true", "yes", "on"))
_NO: Final = frozenset(("false", "no", "off"))


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem that still knows its place in the data."""

    at: Location
    message: str
    hint: str | None


def explain(details: ErrorDetails, fault: object, notation: Notation) -> Finding:
    """Return what an error of pydantic is in the words of the notation; `fault` is its cause."""
    at, value, kind = details["loc"], details["input"], details["type"]
    match fault:
        case WrongTypeError():
            return _wrong_type(at, value, fault.message, notation)
        case BadValueError():
            return Finding(at, fault.message, fault.hint)
    message: str
    hint: str | None
    match kind:
        case "extra_forbidden":
            message, hint = explain_unknown(at, notation)
        case "missing":
            message, hint = "is missing", _example(at, notation)
        case "enum" if isinstance(value, str):
            message, hint = _explain_choice(at, value)
        case _ if kind in _EXPECTED:
            return _wrong_type(at, value, _EXPECTED[kind], notation)
        case _ if kind in _TABLES:
            return _wrong_type(at, value, notation.table, notation)
        case _:  # no such kind is known
            message, hint = "cannot be read", _example(at, notation)
    return Finding(at, message, hint)


def _wrong_type(at: Location, value: object, expected: str, notation: Notation) -> Finding:
    message = f"expected {expected}, got {notation.name_type(value)}"
    if value is None:
        return Finding(at, message, "leave it out for the default")
    field = field_at(at)
    if field is not None and (table := find_table(field.annotation)):
        path = f"{at[0]}[]" if is_list(field.annotation) else str(at[0])
        key, first = next(iter(table.model_fields.items()))
        example = (first.examples or [""])[0]
        return Finding(at, message, f"write {notation.write_table(path, key, example)}")
    meant = _guess(value, expected)
    if meant is not None:
        return Finding(at, message, f"write {_entry(at, meant, notation)}")
    return Finding(at, message, _example(at, notation))


def _guess(value: object, expected: str) -> object:
    """Return what a value of the wrong type was meant to be, where that is plain."""
    match expected, value:
        case "an integer", str() if re.fullmatch(r"[0-9]{1,6}", value, re.ASCII):
            return int(value)
        case "true or false", str() if value.lower() in _YES | _NO:
            return value.lower() in _YES
        case "true or false", 0 | 1:
            return value == 1
        case _:
            return None


def _example(at: Location, notation: Notation) -> str | None:
    """Return the advice to write the field's example."""
    field = field_at(at)
    if field is None or not field.examples:
        return None
    example = field.examples[0]
    if isinstance(at[-1], int) and isinstance(example, list):
        example = example[0]
    return f"write {_entry(at, example, notation)}"


def _entry(at: Location, value: object, notation: Notation) -> str:
    if isinstance(at[-1], int):
        return json.dumps(value, ensure_ascii=False)
    return notation.write(at[-1], value)


def _explain_choice(at: Location, value: str) -> tuple[str, str]:
    field = field_at(at)
    enum = None if field is None else field.annotation
    choices = [str(choice) for choice in enum] if isinstance(enum, EnumType) else []
    near = get_close_matches(value.lower(), choices, n=1)
    advice = " or ".join(json.dumps(choice) for choice in near or choices)
    return f"{shown(value)} is none of its choices", f"write {advice}"
