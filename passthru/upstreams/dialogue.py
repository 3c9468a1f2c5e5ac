"""What is said before a tunnel is open, as generators: they do no input or output themselves.

A dialogue yields what is to happen next, and is sent what was read (nothing after a Send).
"""

from collections.abc import Generator
from dataclasses import dataclass

from typing_extensions import override


@dataclass(frozen=True, slots=True)
class Target:
    """The end that a proxy is to connect to: a name or an address without brackets, and a port."""

    host: str
    port: int

    @override
    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Send:
    """Send these bytes."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Read:
    """Read exactly so many bytes."""

    count: int


@dataclass(frozen=True, slots=True)
class ReadUntil:
    """Read until `mark` has come or `most` bytes have; all of them, those after `mark` too."""

    mark: bytes
    most: int


Dialogue = Generator[Send | Read | ReadUntil, bytes, None]
