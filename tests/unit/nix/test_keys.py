"""Signing keys: what libsodium and Nix make, read and refuse."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passthru.errors import FormatError
from passthru.nix.keys import PublicKey, SecretKey, Signature

NIXOS = "cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY="

# RFC 8032, section 7.1, test 1: the empty message
SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
SIGNATURE = bytes.fromhex(
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
    "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
)


def base64(data: bytes) -> str:
    """Write bytes as keys and signatures hold them."""
    return b64encode(data).decode()


names = st.text(
    alphabet=st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters=":"),
    min_size=1,
    max_size=30,
)
secret_keys = st.builds(SecretKey.from_seed, names, st.binary(min_size=32, max_size=32))


def test_the_best_known_key() -> None:
    """The public key of cache.nixos.org parses and prints back."""
    key = PublicKey.parse(NIXOS)

    assert key.name == "cache.nixos.org-1"
    assert len(key.raw) == 32
    assert str(key) == NIXOS


def test_rfc_8032() -> None:
    """Keys and signatures are those of the RFC."""
    secret = SecretKey.from_seed("rfc-1", SEED)

    signature = secret.sign(b"")

    assert secret.public_key == PublicKey("rfc-1", PUBLIC)
    assert signature == Signature("rfc-1", SIGNATURE)
    assert secret.public_key.verify(b"", signature)


@given(secret_keys)
def test_round_trip(secret: SecretKey) -> None:
    """Secret keys, public keys and signatures survive their texts."""
    signature = secret.sign(b"x")

    assert SecretKey.parse(secret.to_text()) == secret
    assert PublicKey.parse(str(secret.public_key)) == secret.public_key
    assert Signature.parse(str(signature)) == signature


def test_a_key_file_ends_in_a_newline() -> None:
    """White space around a key, as editors leave it, does no harm."""
    assert PublicKey.parse(f"{NIXOS}\n") == PublicKey.parse(NIXOS)


def test_generated_keys_differ() -> None:
    """Two generated keys are two keys."""
    one, two = SecretKey.generate("a"), SecretKey.generate("a")

    assert one.public_key != two.public_key
    assert not two.public_key.verify(b"x", one.sign(b"x"))


def test_secrets_stay_secret() -> None:
    """Neither repr nor str of a secret key, nor the message about a bad one, tells it."""
    secret = SecretKey.from_seed("quiet-1", SEED)
    private = base64(SEED)[:20]

    with pytest.raises(FormatError) as caught:
        SecretKey.parse(f"quiet-1:{base64(SEED)}%")

    assert private in secret.to_text()
    for text in (repr(secret), str(secret), caught.value.message, str(caught.value)):
        assert private not in text
        assert SEED.hex() not in text
        assert repr(SEED) not in text
    assert caught.value.__suppress_context__


@given(secret_keys, st.binary(max_size=40), st.binary(max_size=40))
def test_only_what_was_signed_verifies(secret: SecretKey, signed: bytes, other: bytes) -> None:
    """A signature holds for its own message, under its own name, and for nothing else."""
    signature = secret.sign(signed)

    assert secret.public_key.verify(signed, signature)
    assert secret.public_key.verify(other, signature) == (signed == other)
    assert not PublicKey("another", secret.public_key.raw).verify(signed, signature)


@pytest.mark.parametrize("place", [0, 31, 32, 63])
def test_a_changed_bit(place: int) -> None:
    """One bit changed in a signature makes it worthless."""
    changed = bytearray(SIGNATURE)
    changed[place] ^= 1

    assert not PublicKey("rfc-1", PUBLIC).verify(b"", Signature("rfc-1", bytes(changed)))


def test_a_key_that_is_no_point() -> None:
    """A public key that is no point of the curve verifies nothing, and does not crash."""
    key = PublicKey("odd", b"\xff" * 32)

    assert not key.verify(b"", Signature("odd", SIGNATURE))


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "name",
        "name:",
        ":6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=",
        NIXOS[:-2],
        NIXOS.replace("=", "=="),
        NIXOS + "AAAA",
        NIXOS.replace("6NCH", "6N CH"),
        NIXOS.replace("6NCH", "6N\nCH"),
        NIXOS.replace("6NCH", "6N-H"),
        NIXOS.replace("jY=", "jZ="),  # bits left over
        NIXOS.replace("cache.", "my cache."),
        NIXOS.replace("cache.", "cache\n"),
        NIXOS.replace("cache.", "caf\u00e9"),
        "cache.nixos.org-1:" + base64(b"x" * 31),
        "cache.nixos.org-1:" + base64(b"x" * 64),
        "cache.nixos.org-1:cache.nixos.org-1:" + base64(b"x" * 32),
        pytest.param("a" * 1_000_000 + ":" + base64(b"x" * 32), id="huge name"),
        pytest.param("a:" + "A" * 1_000_000, id="huge key"),
    ],
)
def test_bad_public_keys(text: str) -> None:
    """A public key is a name and 32 bytes; all else is refused in one line."""
    with pytest.raises(FormatError, match="public key") as caught:
        PublicKey.parse(text)

    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 200


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        f"name:{base64(SEED)}",
        f":{base64(SEED + PUBLIC)}",
        f"name:{base64(SEED + PUBLIC + b'x')}",
        f"name:{base64(SEED + SEED)}",  # the second half is not its public key
        f"name:{base64(SEED + PUBLIC)[:-4]}%%%%",
        NIXOS,
    ],
)
def test_bad_secret_keys(text: str) -> None:
    """A secret key is a name and the 64 bytes of libsodium, whose halves agree."""
    with pytest.raises(FormatError, match="secret key"):
        SecretKey.parse(text)


@pytest.mark.parametrize("text", ["", "a", "a:", f"a:{base64(b'x' * 63)}", f":{base64(SIGNATURE)}"])
def test_bad_signatures(text: str) -> None:
    """A signature is a name and 64 bytes."""
    with pytest.raises(FormatError, match="signature"):
        Signature.parse(text)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_bad_seeds(size: int) -> None:
    """A seed has 32 bytes."""
    with pytest.raises(FormatError, match="32 bytes"):
        SecretKey.from_seed("a", b"x" * size)
