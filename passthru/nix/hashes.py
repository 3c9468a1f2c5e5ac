"""Hashes as Nix spells them: nix32, hexadecimal, base 64 and SRI."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from typing_extensions import override

from passthru.errors import FormatError
from passthru.nix import base32, base64_text
from passthru.nix.excerpt import excerpt


class HashAlgorithm(StrEnum):
    """The algorithms that Nix knows by name."""

    MD5 = "md5"
    SHA1 = "sha1"
    SHA256 = "sha256"
    SHA512 = "sha512"
    BLAKE3 = "blake3"

    @property
    def size(self) -> int:
        """The length of a digest, in bytes."""
        return _SIZES[self]


_SIZES: Final = {
    HashAlgorithm.MD5: 16,
    HashAlgorithm.SHA1: 20,
    HashAlgorithm.SHA256: 32,
    HashAlgorithm.SHA512: 64,
    HashAlgorithm.BLAKE3: 32,
}


@dataclass(frozen=True, slots=True)
class Hash:
    """A digest and the algorithm that made it; prints as `sha256:<nix32>`."""

    algorithm: HashAlgorithm
    digest: bytes

    def __post_init__(self) -> None:
        if len(self.digest) != self.algorithm.size:
            raise FormatError(
                f"a {self.algorithm} hash has {self.algorithm.size} bytes, not {len(self.digest)}"
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `algorithm:digest` or an SRI; raise FormatError for what Nix would refuse."""
        separator = ":" if ":" in text else "-"
        name, found, digest = text.partition(separator)
        if not found:
            raise FormatError(f"hash {excerpt(text)} does not name its algorithm")
        try:
            algorithm = HashAlgorithm(name)
        except ValueError:
            raise FormatError(f"unknown hash algorithm {excerpt(name)}") from None
        return cls(algorithm, _digest(digest, algorithm.size, sri=separator == "-"))

    @property
    def nix32(self) -> str:
        """The digest in Nix's base 32, without the algorithm."""
        return base32.encode(self.digest)

    @property
    def hex(self) -> str:
        """The digest in lower-case hexadecimal, without the algorithm."""
        return self.digest.hex()

    @property
    def sri(self) -> str:
        """The whole hash as a Subresource Integrity string."""
        return f"{self.algorithm}-{base64_text.encode(self.digest)}"

    @override
    def __str__(self) -> str:
        return f"{self.algorithm}:{self.nix32}"


def sha256(data: bytes) -> Hash:
    """Hash bytes with SHA-256."""
    return Hash(HashAlgorithm.SHA256, hashlib.sha256(data).digest())


def _digest(text: str, size: int, *, sri: bool) -> bytes:
    """Read a digest by its length, as src/libutil/hash.cc does."""
    if sri:
        return base64_text.decode(text)
    if len(text) == base32.encoded_length(size):
        return base32.decode(text, size=size)
    if len(text) == size * 2:
        try:
            return bytes.fromhex(text)
        except ValueError:
            raise FormatError(f"not hexadecimal: {excerpt(text)}") from None
    if len(text) == (size + 2) // 3 * 4:
        return base64_text.decode(text)
    raise FormatError(f"no hash of {size} bytes is written like {excerpt(text)}")
