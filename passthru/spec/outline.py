"""The spec seen from outside: its tables, their keys, and what each key takes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from passthru.spec.duration import format_duration
from passthru.spec.kind import Kind, Otherwise
from passthru.spec.models import Spec
from passthru.spec.notation import Location
from passthru.spec.size import format_size
from passthru.spec.table import Table


@dataclass(frozen=True, slots=True)
class Section:
    """A table of the spec; `path` is empty for the top, and ends in [] where it may repeat."""

    path: str
    table: type[Table]


def list_sections() -> Iterator[Section]:
    """Yield all tables, the top first, in the order of the spec."""
    yield Section("", Spec)
    for key, field in Spec.model_fields.items():
        if table := find_table(field.annotation):
            yield Section(f"{key}[]" if is_list(field.annotation) else key, table)


def table_at(location: Location) -> type[Table] | None:
    """Return the model of the table at this place, or None where no table belongs."""
    table: type[Table] | None = Spec
    for step in location:
        if isinstance(step, int):
            continue
        field = None if table is None else table.model_fields.get(step)
        table = None if field is None else find_table(field.annotation)
    return table


def field_at(location: Location) -> FieldInfo | None:
    """Return the field at this place, for an item of a list the list's."""
    while location and isinstance(location[-1], int):
        location = location[:-1]
    if not location:
        return None
    table = table_at(location[:-1])
    return None if table is None else table.model_fields.get(str(location[-1]))


def find_table(annotation: object) -> type[Table] | None:
    """Return the table that a type is, or is an optional or a list of."""
    if isinstance(annotation, type) and issubclass(annotation, Table):
        return annotation
    return next((table for arg in get_args(annotation) if (table := find_table(arg))), None)


def is_list(annotation: object) -> bool:
    """Tell whether a type is a list, or an optional one."""
    if get_origin(annotation) is tuple:
        return True
    return any(is_list(arg) for arg in get_args(annotation) if get_origin(arg))


def find_kind(field: FieldInfo) -> Kind | None:
    """Return what one value of the field is to the one who writes it."""
    own = (mark for mark in reversed(field.metadata) if isinstance(mark, Kind))
    return next(own, None) or _kind_within(field.annotation)


def _kind_within(annotation: Any) -> Kind | None:  # noqa: ANN401 (types have no common type)
    if get_origin(annotation) is Annotated:
        marks = [mark for mark in annotation.__metadata__ if isinstance(mark, Kind)]
        return marks[-1] if marks else _kind_within(get_args(annotation)[0])
    return next((kind for arg in get_args(annotation) if (kind := _kind_within(arg))), None)


def find_otherwise(field: FieldInfo) -> str | None:
    """Return what holds when the key is left out, where that is more than one value."""
    return next((mark.words for mark in field.metadata if isinstance(mark, Otherwise)), None)


def write_default(field: FieldInfo) -> object:
    """Return the default as one would write it; PydanticUndefined where the key is required."""
    default = field.get_default(call_default_factory=True)
    kind = find_kind(field)
    if kind is not None and isinstance(default, int):
        if kind.noun == "size":
            return format_size(default)
        if kind.noun == "duration":
            return format_duration(default)
    if isinstance(default, tuple):
        return [
            item.model_dump(mode="json", exclude_unset=True) if isinstance(item, Table) else item
            for item in default
        ]
    return to_jsonable_python(default)
