"""Signatures on narinfos: added, checked, never taken away."""

from dataclasses import replace

import pytest

from passthru.nix.content_address import ContentAddress, IngestionMethod, fixed_output_path
from passthru.nix.hashes import sha256
from passthru.nix.keys import PublicKey, SecretKey
from passthru.nix.narinfo import NarInfo
from passthru.nix.signatures import is_content_addressed, sign_narinfo, verify_narinfo
from passthru.nix.store_path import StorePath

ONE = SecretKey.from_seed("one-1", b"1" * 32)
TWO = SecretKey.from_seed("two-1", b"2" * 32)
INFO = NarInfo(
    store_path=StorePath.parse("0c892mn2as7xgmqsc9yaqgclj2mdwq6w-a"),
    url="nar/x.nar",
    nar_hash=sha256(b"nar"),
    nar_size=3,
    references=(StorePath.parse("143xibwh31h9bvxzalr0sjvbbvpa6ffs-b"),),
)


def test_who_signed() -> None:
    """Verifying names the keys whose signatures hold."""
    signed = sign_narinfo(sign_narinfo(INFO, TWO), ONE)

    assert verify_narinfo(signed, [ONE.public_key]) == ("one-1",)
    assert verify_narinfo(signed, [TWO.public_key, ONE.public_key]) == ("one-1", "two-1")
    assert verify_narinfo(signed, []) == ()
    assert verify_narinfo(INFO, [ONE.public_key]) == ()


def test_signing_adds() -> None:
    """Signatures that were there stay, and signing twice with one key adds nothing."""
    foreign = replace(INFO, signatures=("zebra-1:???", "alpha"))

    signed = sign_narinfo(sign_narinfo(foreign, ONE), ONE)

    assert set(foreign.signatures) < set(signed.signatures)
    assert len(signed.signatures) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"nar_size": 4},
        {"nar_hash": sha256(b"x")},
        {"references": ()},
        {"store_dir": "/data/store"},
        {"store_path": StorePath.parse("0c892mn2as7xgmqsc9yaqgclj2mdwq6w-b")},
    ],
)
def test_what_a_signature_covers(change: dict[str, object]) -> None:
    """A change of what is covered breaks the signature."""
    signed = sign_narinfo(INFO, ONE)

    changed = replace(signed, **change)  # type: ignore[arg-type]

    assert verify_narinfo(changed, [ONE.public_key]) == ()


def test_what_it_does_not_cover() -> None:
    """A rewritten URL and compression leave the signature good."""
    signed = sign_narinfo(INFO, ONE)

    assert verify_narinfo(replace(signed, url="y", compression="zstd"), [ONE.public_key])


def test_a_key_of_the_same_name() -> None:
    """A name alone convinces nobody; with two keys of one name, the right one counts."""
    signed = sign_narinfo(INFO, ONE)
    impostor = PublicKey("one-1", TWO.public_key.raw)

    assert verify_narinfo(signed, [impostor]) == ()
    assert verify_narinfo(signed, [impostor, ONE.public_key]) == ("one-1",)


@pytest.mark.parametrize("signature", ["", "one-1", "one-1:", "one-1:AAAA", "one-1:%%%%", ":", "é"])
def test_broken_signatures_prove_nothing(signature: str) -> None:
    """A signature that cannot be read is passed over, beside a good one too."""
    broken = replace(INFO, signatures=(signature,))

    assert verify_narinfo(broken, [ONE.public_key]) == ()
    assert verify_narinfo(sign_narinfo(broken, ONE), [ONE.public_key]) == ("one-1",)


def test_content_addressed() -> None:
    """A path whose name follows from its contents needs no signature; a claim alone will not do."""
    address = ContentAddress(IngestionMethod.RECURSIVE, sha256(b"nar"))
    path = fixed_output_path("src", address)
    info = replace(INFO, store_path=path, references=(), ca=address)

    assert is_content_addressed(info)
    assert not is_content_addressed(replace(info, ca=None))
    assert not is_content_addressed(replace(info, store_path=INFO.store_path))
    assert not is_content_addressed(replace(info, references=INFO.references))
    assert not is_content_addressed(replace(info, nar_hash=sha256(b"other")))
