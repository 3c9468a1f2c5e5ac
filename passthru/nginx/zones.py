"""The two cache zones: how large, where, under which name."""

import hashlib
from dataclasses import dataclass
from typing import Final

from passthru.cache.place import LEVELS
from passthru.errors import RenderError

KEYS_PER_MIB: Final = 8000
"""How many keys a mebibyte of key memory holds (nginx's documentation of keys_zone)."""

METADATA_MEAN: Final = 4096
"""A narinfo takes one block of the file system, in bytes."""

NAR_MEAN: Final = 512 * 1024
"""The mean compressed NAR, in bytes: half of what cache.nixos.org's average is, to be safe."""

_MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Zone:
    """One proxy_cache_path. Sizes are in bytes."""

    name: str
    directory: str
    levels: str
    max_size: int
    keys_mib: int


@dataclass(frozen=True, slots=True)
class Zones:
    """Metadata (narinfo and friends) and NARs, apart so that neither can evict the other."""

    metadata: Zone
    nar: Zone


def make_zones(directory: str, size: int) -> Zones:
    """Divide `size` bytes below `directory` between metadata and NARs."""
    metadata = metadata_share(size)
    if metadata < _MIB or size - metadata < _MIB:
        raise RenderError(f"a cache of {size} bytes cannot be divided; write a larger cache.size")
    return Zones(
        metadata=_make_zone("metadata", directory, metadata, mean=METADATA_MEAN, spare=1),
        nar=_make_zone("nar", directory, size - metadata, mean=NAR_MEAN, spare=2),
    )


def metadata_share(size: int) -> int:
    """Return how many of `size` bytes metadata gets: a 64th, but up to an eighth of a small cache."""
    return max(size // 64, min(size // 8, 256 * _MIB))


def _make_zone(kind: str, directory: str, size: int, *, mean: int, spare: int) -> Zone:
    # In the name, for nginx refuses to change levels live.
    digest = hashlib.sha256(f"{directory}/{kind} levels={LEVELS}".encode()).hexdigest()[:8]
    keys = -(-size // mean) * spare
    return Zone(
        name=f"passthru_{kind}_{digest}",
        directory=f"{directory}/{kind}-{digest}",
        levels=LEVELS,
        max_size=size,
        keys_mib=max(1, -(-keys // KEYS_PER_MIB)),
    )
