"""Nix's base 32: vectors from Nix itself, and every way to be wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passthru.errors import FormatError
from passthru.nix import base32

VECTORS = [
    ("", ""),
    ("00", "00"),
    ("1f", "0z"),
    ("ff", "7z"),
    # nix-hash --to-base32 --type sha1 / sha256 of the well-known digests
    ("da39a3ee5e6b4b0d3255bfef95601890afd80709", "143xibwh31h9bvxzalr0sjvbbvpa6ffs"),
    (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73",
    ),
    (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "1b8m03r63zqhnjf7l5wnldhh7c134ap5vpj0850ymkq1iyzicy5s",
    ),
]


@pytest.mark.parametrize(("hexadecimal", "text"), VECTORS)
def test_vectors(hexadecimal: str, text: str) -> None:
    """Encoding and decoding agree with what nix-hash prints."""
    assert base32.encode(bytes.fromhex(hexadecimal)) == text
    assert base32.decode(text).hex() == hexadecimal


@given(st.binary(max_size=64))
def test_round_trip(data: bytes) -> None:
    """Any bytes survive a round trip, in the length Nix computes."""
    text = base32.encode(data)

    assert len(text) == base32.encoded_length(len(data))
    assert base32.decode(text) == data


@given(st.text(alphabet=base32.ALPHABET, max_size=60))
def test_one_text_for_each_value(text: str) -> None:
    """What decodes at all is the only spelling of its bytes."""
    try:
        data = base32.decode(text)
    except FormatError:
        return
    assert base32.encode(data) == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("0e", "letter"),  # e, o, t and u are left out of the alphabet
        ("0O", "letter"),
        ("0Z", "letter"),
        ("0 ", "letter"),
        ("0\n", "letter"),
        ("0\u0661", "letter"),  # a digit elsewhere, not here
        ("8z", "bits"),  # 8 would need a ninth bit
        ("zz", "bits"),
        ("0", "length"),
        ("000", "length"),
        pytest.param("0" * 5000, "long", id="huge"),
    ],
)
def test_refusals(text: str, reason: str) -> None:
    """Wrong letters, lengths and left-over bits are refused in one line."""
    with pytest.raises(FormatError, match=reason) as caught:
        base32.decode(text)

    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 200


def test_size_asked_for() -> None:
    """A caller who knows the size is told when the text is of another one."""
    assert base32.decode("00", size=1) == b"\0"
    with pytest.raises(FormatError, match="20 bytes"):
        base32.decode("00", size=20)
