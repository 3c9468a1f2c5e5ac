"""Public keys as Nix writes them: `name:base64`."""

import re
from base64 import b64decode, b64encode
from binascii import Error
from typing import Annotated, Final

from pydantic import AfterValidator

from passthru.spec.fault import BadValueError
from passthru.spec.kind import Kind
from passthru.spec.text import Text

KEY_BYTES: Final = 32
"""Of an Ed25519 public key (RFC 8032)."""

SECRET_BYTES: Final = 64
"""Of a secret key as Nix writes it: seed and public key."""

_NAME: Final = re.compile(r"[A-Za-z0-9._+-]{1,128}")
_ADVICE: Final = 'write it as Nix does: "cache.nixos.org-1:" and 44 characters of base 64'


def check_public_key(text: str) -> str:
    """Return `name:base64` of 32 bytes unchanged; raise BadValueError, which never shows the key."""
    name, colon, encoded = text.partition(":")
    if not colon:
        raise BadValueError("has no name before its key", _ADVICE)
    if _NAME.fullmatch(name) is None:
        raise BadValueError(
            "has a name of other characters than letters, digits and . _ + -", _ADVICE
        )
    try:
        decoded = b64decode(encoded, validate=True)
    except (Error, ValueError):
        raise BadValueError("has a key that is not base 64", _ADVICE) from None
    if len(decoded) == SECRET_BYTES:
        raise BadValueError(
            "is a secret key",
            "keep it to yourself, and write what nix key convert-secret-to-public says",
        )
    if len(decoded) != KEY_BYTES or b64encode(decoded).decode() != encoded:
        raise BadValueError(f"has a key of {len(decoded)} bytes, not of {KEY_BYTES}", _ADVICE)
    return text


PublicKey = Annotated[Text, AfterValidator(check_public_key), Kind("public key")]
