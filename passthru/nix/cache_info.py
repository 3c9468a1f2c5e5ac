"""The file `nix-cache-info`: what a cache says about itself."""

import re
from dataclasses import dataclass
from typing import Final

from passthru.errors import FormatError
from passthru.nix.excerpt import excerpt
from passthru.nix.store_path import STORE_DIR

LONGEST_CACHE_INFO: Final = 64 * 1024  # bytes

_KEYS: Final = frozenset({"StoreDir", "WantMassQuery", "Priority"})
_PRIORITY: Final = re.compile(r"-?[0-9]{1,10}")
_INT32: Final = range(-(2**31), 2**31)  # Nix reads it into a C int


@dataclass(frozen=True, slots=True)
class CacheInfo:
    """What a client reads first; `priority` None is one that the cache did not state."""

    store_dir: str = STORE_DIR
    want_mass_query: bool = True
    priority: int | None = None

    def __post_init__(self) -> None:
        if not self.store_dir.startswith("/") or not self.store_dir.isprintable():
            raise FormatError(f"StoreDir {excerpt(self.store_dir)} is not an absolute path")
        if self.priority is not None and self.priority not in _INT32:
            raise FormatError(f"Priority {self.priority} does not fit into 32 bits")

    def to_bytes(self) -> bytes:
        """Print the file as Nix writes it."""
        lines = [f"StoreDir: {self.store_dir}", f"WantMassQuery: {self.want_mass_query:d}"]
        if self.priority is not None:
            lines.append(f"Priority: {self.priority}")
        return "".join(f"{line}\n" for line in lines).encode()


def parse_cache_info(data: bytes) -> CacheInfo:
    """Read the file as src/libstore/binary-cache-store.cc does; raise FormatError.

    Stricter than Nix in one thing: a text with none of the known keys (a web page) is refused.
    """
    if len(data) > LONGEST_CACHE_INFO:
        raise FormatError(f"nix-cache-info is too long: {len(data)} bytes")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise FormatError("nix-cache-info is not UTF-8") from None
    values: dict[str, str] = {}
    for line in text.split("\n"):
        key, colon, value = line.partition(":")
        if colon and key in _KEYS:
            values[key] = value.strip()
    if not values:
        raise FormatError(f"not a nix-cache-info: {excerpt(data)}")
    return CacheInfo(
        store_dir=values.get("StoreDir", STORE_DIR),
        want_mass_query=values.get("WantMassQuery") == "1",
        priority=_priority(values["Priority"]) if "Priority" in values else None,
    )


def _priority(text: str) -> int:
    if not _PRIORITY.fullmatch(text):
        raise FormatError(f"Priority {excerpt(text)} is not a number")
    return int(text)
