"""Store paths: 32 characters of hash, a dash and a name, below a store directory."""

import re
from dataclasses import dataclass
from typing import Final, NewType, Self

from typing_extensions import override

from passthru.errors import FormatError
from passthru.nix import base32
from passthru.nix.excerpt import excerpt

STORE_DIR: Final = "/nix/store"
HASH_LENGTH: Final = 32
LONGEST_NAME: Final = 211
NAME_CHARACTERS: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-._?="

StorePathHash = NewType("StorePathHash", str)
"""The 32 characters by which a cache names a store path."""

_HASH: Final = re.compile(rf"[{base32.ALPHABET}]{{{HASH_LENGTH}}}")
_NAME: Final = re.compile(rf"[{re.escape(NAME_CHARACTERS)}]+")


@dataclass(frozen=True, slots=True, order=True)
class StorePath:
    """A valid store path, whatever its store directory; prints as its base name."""

    hash: StorePathHash
    name: str

    def __post_init__(self) -> None:
        parse_store_path_hash(self.hash)
        _check_name(self.name)

    @classmethod
    def parse(cls, text: str, store_dir: str = STORE_DIR) -> Self:
        """Read an absolute path below `store_dir` or a base name; raise FormatError."""
        if text.startswith("/"):
            return cls.from_absolute(text, store_dir)
        return cls.from_base_name(text)

    @classmethod
    def from_absolute(cls, text: str, store_dir: str = STORE_DIR) -> Self:
        """Read `/nix/store/hash-name`; raise FormatError for all else, files inside it too."""
        directory, _, base_name = text.rpartition("/")
        if directory != store_dir:
            raise FormatError(f"{excerpt(text)} is not a store path below {store_dir}")
        return cls.from_base_name(base_name)

    @classmethod
    def from_base_name(cls, text: str) -> Self:
        """Read `hash-name`; raise FormatError."""
        if text[HASH_LENGTH : HASH_LENGTH + 1] != "-":
            raise FormatError(f"{excerpt(text)} is not a store path: no dash after its hash")
        return cls(StorePathHash(text[:HASH_LENGTH]), text[HASH_LENGTH + 1 :])

    def absolute(self, store_dir: str = STORE_DIR) -> str:
        """Print the path below a store directory."""
        return f"{store_dir}/{self}"

    @override
    def __str__(self) -> str:
        return f"{self.hash}-{self.name}"


def parse_store_path_hash(text: str) -> StorePathHash:
    """Check the 32 characters that name a store path in a cache; raise FormatError."""
    if not _HASH.fullmatch(text):
        raise FormatError(
            f"{excerpt(text)} is not the hash of a store path: {HASH_LENGTH} letters of base 32"
        )
    return StorePathHash(text)


def _check_name(name: str) -> None:
    """Hold what checkName() of src/libstore/path.cc holds."""
    if not name:
        raise FormatError("the name of a store path is empty")
    if len(name) > LONGEST_NAME:
        raise FormatError(
            f"the name of a store path is too long: {len(name)} characters, at most {LONGEST_NAME}"
        )
    if name.split("-", 1)[0] in {".", ".."}:
        raise FormatError(f"the first part of the name {excerpt(name)} is . or ..")
    if not _NAME.fullmatch(name):
        raise FormatError(f"the name {excerpt(name)} has a letter that no store path may have")
