"""The bytes of a narinfo, from anyone, become a NarInfo or one clear error."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from passthru.errors import FormatError
from passthru.nix.content_address import ContentAddress
from passthru.nix.excerpt import excerpt
from passthru.nix.hashes import Hash, HashAlgorithm
from passthru.nix.narinfo import CONTROL, DEFAULT_COMPRESSION, KEYS, UNKNOWN_DERIVER, NarInfo
from passthru.nix.store_path import STORE_DIR, StorePath

LONGEST_NARINFO: Final = 16 * 1024 * 1024  # bytes; some 200,000 references

_DIGITS: Final = re.compile(r"[0-9]{1,20}")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Lines:
    """The lines of a file by key, each with its number for the error message."""

    known: dict[str, tuple[int, str]]
    signatures: tuple[str, ...]
    extra: tuple[tuple[str, str], ...]

    def get(self, key: str, parse: Callable[[str], T]) -> T | None:
        """Parse a line if it is there; its number goes before the error."""
        if key not in self.known:
            return None
        number, value = self.known[key]
        try:
            return parse(value)
        except FormatError as error:
            raise FormatError(f"narinfo line {number}: {key}: {error.message}") from None

    def need(self, key: str, parse: Callable[[str], T]) -> T:
        """Parse a line that no narinfo can do without."""
        value = self.get(key, parse)
        if value is None:
            raise FormatError(f"narinfo has no {key}")
        return value


def parse_narinfo(data: bytes, *, store_dir: str = STORE_DIR) -> NarInfo:
    """Read a narinfo of `store_dir`; raise FormatError.

    Follows src/libstore/nar-info.cc, and is stricter in two things:
    a key may not come twice, and control characters are refused.
    """
    lines = _split(_decode(data))
    return NarInfo(
        store_path=lines.need("StorePath", lambda text: StorePath.from_absolute(text, store_dir)),
        url=lines.need("URL", _not_empty),
        compression=lines.get("Compression", str) or DEFAULT_COMPRESSION,
        file_hash=lines.get("FileHash", Hash.parse),
        file_size=lines.get("FileSize", _size),
        nar_hash=lines.need("NarHash", _nar_hash),
        nar_size=lines.need("NarSize", _nar_size),
        references=lines.get("References", _references) or (),
        deriver=lines.get("Deriver", _deriver),
        system=lines.get("System", str),
        signatures=lines.signatures,
        ca=lines.get("CA", lambda text: ContentAddress.parse(text) if text else None),
        extra=lines.extra,
        store_dir=store_dir,
    )


def _decode(data: bytes) -> str:
    if len(data) > LONGEST_NARINFO:
        raise FormatError(f"narinfo is too long: {len(data)} bytes, at most {LONGEST_NARINFO}")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise FormatError(f"narinfo is not UTF-8 at byte {error.start}") from None
    if text and not text.endswith("\n"):
        raise FormatError("narinfo does not end in a newline: cut short, or something else")
    return text


def _split(text: str) -> _Lines:
    known: dict[str, tuple[int, str]] = {}
    signatures: list[str] = []
    extra: list[tuple[str, str]] = []
    for number, line in enumerate(text.split("\n")[:-1], start=1):
        if found := CONTROL.search(line):
            raise FormatError(f"narinfo line {number}: control character {excerpt(found.group())}")
        key, colon, value = line.partition(": ")
        if not colon or not key or ":" in key:
            raise FormatError(f"narinfo line {number}: not a key and a value: {excerpt(line)}")
        if key in known:
            raise FormatError(f"narinfo line {number}: {key} comes twice")
        if key == "Sig":
            signatures.append(value)
        elif key in KEYS:
            known[key] = number, value
        else:
            extra.append((key, value))
    return _Lines(known, tuple(signatures), tuple(extra))


def _not_empty(text: str) -> str:
    if not text:
        raise FormatError("is empty")
    return text


def _size(text: str) -> int:
    if not _DIGITS.fullmatch(text) or (size := int(text)) >= 2**64:
        raise FormatError(f"{excerpt(text)} is not a number of bytes")
    return size


def _nar_size(text: str) -> int:
    size = _size(text)
    if not size:
        raise FormatError("no NAR is empty")
    return size


def _nar_hash(text: str) -> Hash:
    value = Hash.parse(text)
    if value.algorithm is not HashAlgorithm.SHA256:
        raise FormatError(f"is made with sha256, not {value.algorithm}")
    return value


def _references(text: str) -> tuple[StorePath, ...]:
    return tuple(StorePath.from_base_name(word) for word in text.split(" ") if word)


def _deriver(text: str) -> StorePath | None:
    return None if text == UNKNOWN_DERIVER else StorePath.from_base_name(text)
