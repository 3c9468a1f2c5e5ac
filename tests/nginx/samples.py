"""What the behaviour tests ask for: hashes, narinfos and NARs that are made on the spot."""

from hashlib import sha256
from random import Random
from typing import Final

DIGITS: Final = "0123456789abcdfghijklmnpqrsvwxyz"
"""Nix's base 32."""

HASH: Final = DIGITS
"""A store path's hash: it happens to hold every digit."""

DRV: Final = f"{HASH}-hello-2.12.1.drv"

NARINFO: Final = f"/{HASH}.narinfo"

NAR: Final = "/nar/1w1fff338fvdw53sqgamddn1b2xgds473pv6y13gizdbqjv4i5p3.nar.xz"


def hash_of(number: int) -> str:
    """Return a hash of its own for every number."""
    digits = ""
    while number:
        number, rest = divmod(number, 32)
        digits = DIGITS[rest] + digits
    return digits.rjust(32, "0")


def narinfo_path(number: int) -> str:
    """Return the path of a narinfo of its own for every number."""
    return f"/{hash_of(number)}.narinfo"


def narinfo(store_hash: str = HASH, url: str = NAR.removeprefix("/"), *, note: str = "") -> bytes:
    """Return a narinfo; `note` makes another version of the same."""
    digest = sha256(store_hash.encode()).hexdigest()
    return (
        f"StorePath: /nix/store/{store_hash}-hello-2.12.1\nURL: {url}\nCompression: xz\n"
        f"FileHash: sha256:{digest}\nFileSize: 50088\nNarHash: sha256:{digest}\nNarSize: 226552\n"
        f"References: \nSig: test-1:{note or 'c2lnbmF0dXJl'}\n"
    ).encode()


def noise(size: int, seed: int = 0) -> bytes:
    """Return bytes that no filter can shrink."""
    return Random(seed).randbytes(size)  # noqa: S311 - no secret
