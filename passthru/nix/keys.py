"""The ed25519 keys and signatures of binary caches, each written `name:base64`."""

import re
from dataclasses import dataclass, field
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from typing_extensions import override

from passthru.errors import FormatError
from passthru.nix import base64_text
from passthru.nix.excerpt import excerpt

PUBLIC_SIZE: Final = 32
SEED_SIZE: Final = 32
SIGNATURE_SIZE: Final = 64

_NAME: Final = re.compile(r"[!-9;-~]{1,255}")  # printable ASCII without space and colon


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signed, and what they made of it."""

    name: str
    raw: bytes

    def __post_init__(self) -> None:
        _check("signature", self.name, self.raw, SIGNATURE_SIZE)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `name:base64`; raise FormatError."""
        return cls(*_split("signature", text))

    @override
    def __str__(self) -> str:
        return f"{self.name}:{base64_text.encode(self.raw)}"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that a client may trust; prints as an entry of `trusted-public-keys`."""

    name: str
    raw: bytes

    def __post_init__(self) -> None:
        _check("public key", self.name, self.raw, PUBLIC_SIZE)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `name:base64`; raise FormatError."""
        return cls(*_split("public key", text))

    def verify(self, message: bytes, signature: Signature) -> bool:
        """Tell whether the signature bears this key's name and holds for the message."""
        if signature.name != self.name:
            return False
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature.raw, message)
        except (InvalidSignature, ValueError):
            return False
        return True

    @override
    def __str__(self) -> str:
        return f"{self.name}:{base64_text.encode(self.raw)}"


@dataclass(frozen=True, slots=True)
class SecretKey:
    """A key that signs; never shown by repr or str, `to_text` writes what goes into its file."""

    name: str
    seed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        _check("secret key", self.name, self.seed, SEED_SIZE)

    @classmethod
    def generate(cls, name: str) -> Self:
        """Make a new key from the system's randomness."""
        return cls(name, Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> Self:
        """Make the one key that follows from 32 bytes."""
        return cls(name, seed)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `name:base64` of libsodium's 64 bytes, the seed and the public key."""
        name, raw = _split("secret key", text)
        if len(raw) != SEED_SIZE + PUBLIC_SIZE:
            raise FormatError(f"a secret key has {SEED_SIZE + PUBLIC_SIZE} bytes, not {len(raw)}")
        key = cls(name, raw[:SEED_SIZE])
        if key.public_key.raw != raw[SEED_SIZE:]:
            raise FormatError(f"the two halves of the secret key {excerpt(name)} do not agree")
        return key

    @property
    def public_key(self) -> PublicKey:
        """The key that clients need to trust."""
        return PublicKey(self.name, self._private.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> Signature:
        """Sign a message; the same message always gives the same signature."""
        return Signature(self.name, self._private.sign(message))

    def to_text(self) -> str:
        """Write the key as `nix key generate-secret` does."""
        return f"{self.name}:{base64_text.encode(self.seed + self.public_key.raw)}"

    @property
    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)


def _split(what: str, text: str) -> tuple[str, bytes]:
    """Part a name from its bytes; the message tells the name at most."""
    name, _, encoded = text.strip().partition(":")
    try:
        return name, base64_text.decode(encoded)
    except FormatError as error:
        raise FormatError(f"the {what} named {excerpt(name)} is {error.message}") from None


def _check(what: str, name: str, raw: bytes, size: int) -> None:
    if not _NAME.fullmatch(name):
        raise FormatError(f"{excerpt(name)} cannot be the name of a {what}")
    if len(raw) != size:
        raise FormatError(f"a {what} has {size} bytes, not {len(raw)}")
