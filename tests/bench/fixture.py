"""A made-up binary cache as a directory of files: the same bytes every time, and incompressible."""

import base64
import hashlib
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from passthru.nix import base32

_KB: Final = 1000
_MB: Final = 1000 * _KB
_SMALL_MEDIAN: Final = 28 * _KB  # of all NARs together it is then 40 KB
_SMALL_SIGMA: Final = 0.9
_MISSING: Final = 100


@dataclass(frozen=True, slots=True)
class Shape:
    """How many NARs of which size, in bytes; the rest are small."""

    count: int
    middle: int
    middle_sizes: tuple[int, int]
    large: int
    large_size: int


FULL: Final = Shape(400, 68, (1 * _MB, 10 * _MB), 2, 100 * _MB)
QUICK: Final = Shape(80, 6, (1 * _MB, 2 * _MB), 2, 20 * _MB)


@dataclass(frozen=True, slots=True)
class Fixture:
    """The files below `root`, as the targets of requests."""

    root: Path
    narinfos: tuple[str, ...]
    nars: tuple[str, ...]
    large: tuple[str, ...]
    """Those of `nars` that have `large_size` bytes."""

    large_size: int
    size: int
    """Bytes of all NARs."""


def make_fixture(root: Path, shape: Shape = FULL) -> Fixture:
    """Write the files of `shape` below `root`, which must not be there yet."""
    (root / "nar").mkdir(parents=True)
    chance = random.Random("passthru bench")  # noqa: S311 - no secret
    sizes = _sizes(shape, chance)
    paths = [f"{_hash(f'path {index}', 20)}-package-{index}" for index in range(shape.count)]
    narinfos, nars, large = [], [], []
    for index, size in enumerate(sizes):
        content = random.Random(f"nar {index}").randbytes(size)  # noqa: S311 - no secret
        digest = base32.encode(hashlib.sha256(content).digest())
        nar = f"/nar/{digest}.nar.zst"
        (root / nar[1:]).write_bytes(content)
        references = chance.sample(paths, min(8, len(paths)))
        narinfo = f"/{paths[index][:32]}.narinfo"
        (root / narinfo[1:]).write_text(
            _narinfo(paths[index], nar, digest, size, references), encoding="ascii"
        )
        narinfos.append(narinfo)
        nars.append(nar)
        if size == shape.large_size:
            large.append(nar)
    return Fixture(
        root=root,
        narinfos=tuple(narinfos),
        nars=tuple(nars),
        large=tuple(large),
        large_size=shape.large_size,
        size=sum(sizes),
    )


def name_missing(seed: str) -> tuple[str, ...]:
    """Return narinfos that are not there, others for every seed."""
    return tuple(f"/{_hash(f'missing {seed} {n}', 20)}.narinfo" for n in range(_MISSING))


def _sizes(shape: Shape, chance: random.Random) -> list[int]:
    small = shape.count - shape.middle - shape.large
    sizes = [
        min(900 * _KB, max(_KB, int(_SMALL_MEDIAN * chance.lognormvariate(0, _SMALL_SIGMA))))
        for _ in range(small)
    ]
    sizes += [chance.randint(*shape.middle_sizes) for _ in range(shape.middle)]
    sizes += [shape.large_size] * shape.large
    chance.shuffle(sizes)
    return sizes


def _hash(seed: str, size: int) -> str:
    return base32.encode(hashlib.sha256(seed.encode()).digest()[:size])


def _narinfo(path: str, nar: str, digest: str, size: int, references: list[str]) -> str:
    signature = base64.b64encode(hashlib.sha512(path.encode()).digest()).decode()
    return (
        f"StorePath: /nix/store/{path}\n"
        f"URL: {nar[1:]}\n"
        "Compression: zstd\n"
        f"FileHash: sha256:{digest}\n"
        f"FileSize: {size}\n"
        f"NarHash: sha256:{_hash(path, 32)}\n"
        f"NarSize: {size * 4}\n"
        f"References: {' '.join(references)}\n"
        f"Deriver: {_hash(f'{path}.drv', 20)}{path[32:]}.drv\n"
        f"Sig: bench.example-1:{signature}\n"
    )
