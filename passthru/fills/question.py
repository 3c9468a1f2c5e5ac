"""What nginx asks for a follower; pure."""

import re
from dataclasses import dataclass
from typing import Final, Self

LONGEST_QUESTION: Final = 32768
"""Bytes. nginx takes 8 KiB of a path, and names it a few times."""

_RANGE: Final = re.compile(r"bytes=([0-9]{1,18})-([0-9]{1,18})?")
_TARGET: Final = re.compile(r"[/@][^\x00-\x20\x7f]*")


@dataclass(frozen=True, slots=True)
class Range:
    """One part of a body, both ends inside it; without an end it goes to the last byte."""

    first: int
    last: int | None


@dataclass(frozen=True, slots=True)
class Question:
    """One follower."""

    head_only: bool
    keys: tuple[str, ...]
    """What its NAR may be stored under, the upstream whose turn it is first."""

    led: str
    """The path by which nginx knows who leads."""

    otherwise: str
    """Where nginx does without us."""

    again: str | None
    """Where nginx looks once more what it knows of each key; None if it did."""

    later: tuple[str, ...]
    """Where nginx has the copy of each key after the first."""

    part: Range | None
    if_range: str | None

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the head of a request; raises ValueError for one that our nginx does not make."""
        _, *lines = os_text(data).split("\r\n")
        fields: dict[str, str] = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon or fields.setdefault(name.strip().lower(), value.strip()) != value.strip():
                raise ValueError("not a question of nginx's")
        path, otherwise = fields.get("x-passthru-path", ""), fields.get("x-passthru-otherwise", "")
        names = fields.get("x-passthru-names", "").split()
        later = tuple(fields.get("x-passthru-later", "").split())
        if len(later) != len(names) - 1 or not all(map(_TARGET.fullmatch, later)):
            raise ValueError("not a question of nginx's")
        if not names or not path.startswith("/") or not _TARGET.fullmatch(otherwise):
            raise ValueError("not a question of nginx's")
        return cls(
            head_only=fields.get("x-passthru-method") == "HEAD",
            keys=tuple(f"{name}{path}" for name in names),
            led=fields.get("x-passthru-led", path),
            otherwise=otherwise,
            again=fields.get("x-passthru-again") if not fields.get("x-passthru-before") else None,
            later=later,
            part=_read_range(fields.get("range", "")),
            if_range=fields.get("if-range"),
        )


def os_text(data: bytes) -> str:
    """Decode bytes so that os.fsencode gives them back, whatever they are."""
    return data.decode("utf-8", "surrogateescape")


def _read_range(value: str) -> Range | None:
    """Return a part that we give; all other ranges are nginx's to take out of the whole."""
    found = _RANGE.fullmatch(value)
    if found is None:
        return None
    first, last = int(found[1]), int(found[2]) if found[2] else None
    return None if last is not None and last < first else Range(first, last)
