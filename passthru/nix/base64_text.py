"""Base 64 read strictly, for hashes, keys and signatures."""

import binascii
from base64 import b64decode, b64encode

from passthru.errors import FormatError


def encode(data: bytes) -> str:
    """Write bytes in base 64 with its padding."""
    return b64encode(data).decode("ascii")


def decode(text: str) -> bytes:
    """Read bytes; missing padding is forgiven, as by Nix, and nothing else.

    The message does not repeat `text`: it may be a secret.
    """
    padded = text + "=" * (-len(text) % 4)
    try:
        data = b64decode(padded, validate=True)
    except (binascii.Error, ValueError):
        raise FormatError("not base 64") from None
    if encode(data) != padded:
        raise FormatError("not base 64: bits or padding left over")
    return data
