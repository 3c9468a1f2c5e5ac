"""What a value is to the one who writes it, for the reference page and for errors."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """Stands in an Annotated type; the last one counts."""

    noun: str
    """Without an article: `size`, `host name`."""


@dataclass(frozen=True, slots=True)
class Otherwise:
    """Stands beside a field whose default is not one value: `the mode's`, `made from the host`."""

    words: str
