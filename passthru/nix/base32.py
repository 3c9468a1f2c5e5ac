"""Nix's own base 32: another alphabet than RFC 4648, and the last byte comes first."""

from typing import Final

from passthru.errors import FormatError
from passthru.nix.excerpt import excerpt

ALPHABET: Final = "0123456789abcdfghijklmnpqrsvwxyz"  # without e, o, t and u
LONGEST: Final = 1024  # characters; a sha512 has 103

_DIGITS: Final = {letter: digit for digit, letter in enumerate(ALPHABET)}


def encoded_length(size: int) -> int:
    """Count the characters that `size` bytes become."""
    return (size * 8 + 4) // 5


def encode(data: bytes) -> str:
    """Write bytes as Nix does (src/libutil/base-nix-32.cc)."""
    number = int.from_bytes(data, "little")
    length = encoded_length(len(data))
    return "".join(ALPHABET[number >> 5 * place & 31] for place in reversed(range(length)))


def decode(text: str, *, size: int | None = None) -> bytes:
    """Read bytes, `size` of them when given; raise FormatError for all but the one spelling."""
    length = len(text)
    if length > LONGEST:
        raise FormatError(f"base 32 text is too long: {length} characters, at most {LONGEST}")
    fitting = length * 5 // 8
    if encoded_length(fitting) != length:
        raise FormatError(f"no bytes have a base 32 of this length: {excerpt(text)}")
    if size not in {None, fitting}:
        raise FormatError(f"expected {size} bytes in base 32, got {fitting}: {excerpt(text)}")
    number = 0
    for letter in text:
        digit = _DIGITS.get(letter)
        if digit is None:
            raise FormatError(f"not a letter of Nix's base 32: {excerpt(letter)}")
        number = number << 5 | digit
    if number >> fitting * 8:
        raise FormatError(f"bits left over in base 32 text {excerpt(text)}")
    return number.to_bytes(fitting, "little")
