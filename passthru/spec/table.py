"""What all tables of a spec have in common."""

from collections.abc import Hashable
from typing import TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict

Item = TypeVar("Item", bound=Hashable)


class Table(BaseModel):
    """A table: it never changes, knows its keys, and shows no input in its errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def _drop_repeats(items: tuple[Item, ...] | None) -> tuple[Item, ...] | None:
    return None if items is None else tuple(dict.fromkeys(items))


ONCE = AfterValidator(_drop_repeats)
"""Keeps the first of equal items."""
