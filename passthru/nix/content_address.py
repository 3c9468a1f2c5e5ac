"""Content addresses, and the store paths that follow from contents or from a digest."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

from typing_extensions import override

from passthru.errors import FormatError
from passthru.nix import base32
from passthru.nix.excerpt import excerpt
from passthru.nix.hashes import Hash, HashAlgorithm, sha256
from passthru.nix.store_path import STORE_DIR, StorePath, StorePathHash


class IngestionMethod(StrEnum):
    """How contents become a hash; the value is its prefix in a content address."""

    TEXT = "text:"
    FLAT = "fixed:"
    RECURSIVE = "fixed:r:"
    GIT = "fixed:git:"


_LONGEST_PREFIX_FIRST: Final = sorted(IngestionMethod, key=len, reverse=True)

_KINDS: Final = {
    (IngestionMethod.TEXT, HashAlgorithm.SHA256): "text",
    (IngestionMethod.RECURSIVE, HashAlgorithm.SHA256): "source",
}


@dataclass(frozen=True, slots=True)
class ContentAddress:
    """The `CA` of a narinfo: a path that needs no signature, for its contents speak for it."""

    method: IngestionMethod
    hash: Hash

    def __post_init__(self) -> None:
        if self.method is IngestionMethod.TEXT and self.hash.algorithm is not HashAlgorithm.SHA256:
            raise FormatError(f"a text address is made with sha256, not {self.hash.algorithm}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `text:HASH` or `fixed:[r:|git:]HASH`; raise FormatError."""
        for method in _LONGEST_PREFIX_FIRST:
            rest = text.removeprefix(method)
            if rest != text and ":" in rest:
                return cls(method, Hash.parse(rest))
        raise FormatError(f"{excerpt(text)} is not a content address")

    @override
    def __str__(self) -> str:
        return f"{self.method}{self.hash}"


def text_path(
    name: str, text: bytes, *, references: Iterable[StorePath] = (), store_dir: str = STORE_DIR
) -> StorePath:
    """Compute the path of a text file, as builtins.toFile does, or of a derivation."""
    kind = _with_references("text", references, store_dir)
    return _make(kind, sha256(text), name, store_dir)


def fixed_output_path(
    name: str,
    address: ContentAddress,
    *,
    references: Iterable[StorePath] = (),
    refers_to_itself: bool = False,
    store_dir: str = STORE_DIR,
) -> StorePath:
    """Compute the path of fixed contents; raise FormatError where Nix has no such path.

    `references` are those to other paths.
    """
    references = tuple(references)
    kind = _KINDS.get((address.method, address.hash.algorithm))
    if kind and not (refers_to_itself and address.method is IngestionMethod.TEXT):
        kind = _with_references(kind, references, store_dir)
        return _make(f"{kind}:self" if refers_to_itself else kind, address.hash, name, store_dir)
    if references or refers_to_itself:
        raise FormatError(f"contents addressed by {address} cannot have these references")
    method = address.method.removeprefix("fixed:")
    inner = f"fixed:out:{method}{address.hash.algorithm}:{address.hash.hex}:"
    return output_path(name, sha256(inner.encode()), store_dir=store_dir)


def output_path(name: str, digest: Hash, *, store_dir: str = STORE_DIR) -> StorePath:
    """Compute the path of the output `out` of a derivation that hashes to `digest`."""
    return _make("output:out", digest, name, store_dir)


def _with_references(kind: str, references: Iterable[StorePath], store_dir: str) -> str:
    return ":".join([kind, *(path.absolute(store_dir) for path in sorted(set(references)))])


def _make(kind: str, digest: Hash, name: str, store_dir: str) -> StorePath:
    """Follow makeStorePath() of Nix's store: hash a description, fold it into 20 bytes."""
    description = f"{kind}:{digest.algorithm}:{digest.hex}:{store_dir}:{name}"
    folded = bytearray(20)
    for place, byte in enumerate(sha256(description.encode()).digest):
        folded[place % 20] ^= byte
    return StorePath(StorePathHash(base32.encode(bytes(folded))), name)
