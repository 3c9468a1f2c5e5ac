"""One narinfo as a value: what a cache says of one store path."""

import re
from dataclasses import dataclass
from typing import Final

from passthru.errors import FormatError
from passthru.nix.content_address import ContentAddress
from passthru.nix.excerpt import excerpt
from passthru.nix.hashes import Hash, HashAlgorithm
from passthru.nix.store_path import STORE_DIR, StorePath

DEFAULT_COMPRESSION: Final = "bzip2"  # what Nix takes a silent narinfo for
UNKNOWN_DERIVER: Final = "unknown-deriver"
KEYS: Final = frozenset(
    {
        "StorePath",
        "URL",
        "Compression",
        "FileHash",
        "FileSize",
        "NarHash",
        "NarSize",
        "References",
        "Deriver",
        "System",
        "Sig",
        "CA",
    }
)
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")

_UINT64: Final = range(2**64)


@dataclass(frozen=True, slots=True, kw_only=True)
class NarInfo:
    """What a cache says of one store path; every value of this type can be printed.

    `file_hash` and `file_size` speak of the compressed file, `nar_hash` and `nar_size` of the NAR.
    `signatures` are kept as they came; `extra` holds keys that we do not know.
    """

    store_path: StorePath
    url: str
    compression: str = DEFAULT_COMPRESSION
    file_hash: Hash | None = None
    file_size: int | None = None
    nar_hash: Hash
    nar_size: int
    references: tuple[StorePath, ...] = ()
    deriver: StorePath | None = None
    system: str | None = None
    signatures: tuple[str, ...] = ()
    ca: ContentAddress | None = None
    extra: tuple[tuple[str, str], ...] = ()
    store_dir: str = STORE_DIR

    def __post_init__(self) -> None:
        for key in ("url", "compression", "store_dir"):
            if not getattr(self, key):
                raise FormatError(f"a narinfo's {key} cannot be empty")
        for text in (self.url, self.compression, self.system or "", self.store_dir):
            _check_line(text)
        for text in self.signatures:
            _check_line(text)
        for key, text in self.extra:
            if not key or key in KEYS or ":" in key:
                raise FormatError(f"{excerpt(key)} cannot be an extra key of a narinfo")
            _check_line(key + text)
        if self.nar_hash.algorithm is not HashAlgorithm.SHA256:
            raise FormatError(f"NarHash is made with sha256, not {self.nar_hash.algorithm}")
        if not self.nar_size or self.nar_size not in _UINT64:
            raise FormatError(f"NarSize {self.nar_size} is no size of a NAR")
        if self.file_size is not None and self.file_size not in _UINT64:
            raise FormatError(f"FileSize {self.file_size} is no size of a file")

    @property
    def fingerprint(self) -> str:
        """What a signature covers: `1;path;sha256:nix32;size;references`."""
        references = (path.absolute(self.store_dir) for path in sorted(set(self.references)))
        path = self.store_path.absolute(self.store_dir)
        return f"1;{path};{self.nar_hash};{self.nar_size};{','.join(references)}"

    def to_bytes(self) -> bytes:
        """Print the file, its lines in Nix's order (src/libstore/nar-info.cc)."""
        return "".join(f"{key}: {value}\n" for key, value in self._lines()).encode()

    def _lines(self) -> list[tuple[str, object]]:
        optional: list[tuple[str, object | None]] = [
            ("StorePath", self.store_path.absolute(self.store_dir)),
            ("URL", self.url),
            ("Compression", self.compression),
            ("FileHash", self.file_hash),
            ("FileSize", self.file_size),
            ("NarHash", self.nar_hash),
            ("NarSize", self.nar_size),
            ("References", " ".join(map(str, self.references))),
            ("Deriver", self.deriver),
            ("System", self.system),
            *(("Sig", signature) for signature in self.signatures),
            ("CA", self.ca),
            *self.extra,
        ]
        return [(key, value) for key, value in optional if value is not None]


def _check_line(text: str) -> None:
    if CONTROL.search(text):
        raise FormatError(f"control character in {excerpt(text)}")
