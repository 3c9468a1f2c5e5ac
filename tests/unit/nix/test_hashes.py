"""Hashes in every spelling Nix takes, and none that it refuses."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passthru.errors import FormatError
from passthru.nix.hashes import Hash, HashAlgorithm, sha256

EMPTY = hashlib.sha256(b"").digest()
EMPTY_NIX32 = "0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73"
EMPTY_HEX = EMPTY.hex()
EMPTY_64 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="


@pytest.mark.parametrize(
    "text",
    [
        f"sha256:{EMPTY_NIX32}",
        f"sha256:{EMPTY_HEX}",
        f"sha256:{EMPTY_HEX.upper()}",
        f"sha256:{EMPTY_64}",
        f"sha256-{EMPTY_64}",
        f"sha256-{EMPTY_64.rstrip('=')}",
    ],
)
def test_spellings(text: str) -> None:
    """All spellings of one hash are one value, printed as Nix prints it."""
    assert Hash.parse(text) == sha256(b"")
    assert str(Hash.parse(text)) == f"sha256:{EMPTY_NIX32}"


def test_views() -> None:
    """A hash prints as nix32, as hexadecimal and as SRI."""
    value = Hash(HashAlgorithm.SHA256, EMPTY)

    assert (value.nix32, value.hex) == (EMPTY_NIX32, EMPTY_HEX)
    assert value.sri == f"sha256-{EMPTY_64}"


@given(st.sampled_from(HashAlgorithm), st.data())
def test_round_trip(algorithm: HashAlgorithm, data: st.DataObject) -> None:
    """Every algorithm survives its three spellings."""
    digest = data.draw(st.binary(min_size=algorithm.size, max_size=algorithm.size))
    value = Hash(algorithm, digest)

    assert Hash.parse(str(value)) == value
    assert Hash.parse(value.sri) == value
    assert Hash.parse(f"{algorithm}:{value.hex}") == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "sha256",
        "sha256:",
        "sha256-",
        EMPTY_NIX32,
        f"sha257:{EMPTY_NIX32}",
        f"SHA256:{EMPTY_NIX32}",
        f"sha1:{EMPTY_NIX32}",
        f"sha256:{EMPTY_NIX32[:-1]}",
        f"sha256:{EMPTY_NIX32}0",
        f"sha256:z{EMPTY_NIX32[1:]}",
        f"sha256: {EMPTY_NIX32}",
        f"sha256:{EMPTY_NIX32}\r",
        f"sha256:{EMPTY_HEX[:-1]}g",
        f"sha256:{EMPTY_HEX[:-2]} 5",
        f"sha256:{EMPTY_HEX[:-2]}  ",  # bytes.fromhex() skips spaces
        f"sha256-{EMPTY_HEX}",
        f"sha256-{EMPTY_NIX32}",
        f"sha256-{EMPTY_64[:-2]}V=",  # bits left over
        f"sha256-{EMPTY_64}=",
        f"sha256-{EMPTY_64[:8]}\n{EMPTY_64[8:]}",
        pytest.param("sha256:" + "\u0660" * 64, id="foreign digits"),
        pytest.param("sha256:" + "0" * 1_000_000, id="huge"),
    ],
)
def test_refusals(text: str) -> None:
    """Anything else is refused, in one short line."""
    with pytest.raises(FormatError) as caught:
        Hash.parse(text)

    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 200


def test_a_digest_has_its_length() -> None:
    """A hash cannot be made with a digest of the wrong length."""
    with pytest.raises(FormatError, match="20 bytes"):
        Hash(HashAlgorithm.SHA1, EMPTY)
