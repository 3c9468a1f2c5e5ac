"""What a follower takes from a neighbour."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passthru.lan.believing import PREFIX, DisbeliefError, believe, read_nar_target
from passthru.nix import SecretKey, demo_cache, parse_narinfo

CACHE: Final = demo_cache(7)
PATH: Final = CACHE.top
BODY: Final = CACHE.files[f"{PATH.hash}.narinfo"]
URL: Final = parse_narinfo(BODY).url.encode()
STRANGER: Final = SecretKey.from_seed("stranger-1", b"s" * 32).public_key
MARK: Final = "0123456789abcdef"


def taken(body: bytes, *, path_hash: str = PATH.hash, stranger: bool = False) -> bytes:
    """Return what is passed on of a narinfo."""
    key = STRANGER if stranger else CACHE.public_key
    return believe(body, path_hash=path_hash, keys=[key], store_dir="/nix/store", mark=MARK)


def test_a_signed_narinfo_leads_to_its_neighbour() -> None:
    """Only the URL changes, and what is asked for by it is the neighbour's own path."""
    body = taken(BODY)
    url = parse_narinfo(body).url

    assert body == BODY.replace(URL, f"nar/{PREFIX}/{MARK}/".encode() + URL.removeprefix(b"nar/"))
    assert read_nar_target(f"/{url}") == (MARK, f"/{URL.decode()}")


def test_a_neighbours_own_names_of_upstreams_are_kept() -> None:
    """It knows its second upstream's NARs by them."""
    url = parse_narinfo(taken(BODY.replace(b"URL: nar/", b"URL: nar/~second/"))).url

    assert url.startswith(f"nar/{PREFIX}/{MARK}/~second/")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ((b"NarSize: ", b"NarSize: 1"), "without a signature"),
        ((b"Sig: ", b"Signed: "), "without a signature"),
        ((b"URL: nar/", b"URL: http://elsewhere/nar/"), "elsewhere"),
        ((b"URL: nar/", b"URL: ../nar/"), "elsewhere"),
        ((b"URL: nar/", b"URL: nar/../"), "elsewhere"),
        ((b"URL: nar/", b"URL: nar//"), "elsewhere"),
        ((b"URL: nar/", b"URL: nar/a b"), "elsewhere"),
        ((b"URL: nar/", b"URL: nar/%2e%2e/"), "elsewhere"),
        ((b"URL: nar/", b"URL: nar/~lan/0123456789abcdef/"), "elsewhere"),
        ((b"URL: nar/", b"URL: nar/" + b"x" * 600), "elsewhere"),
        ((b"StorePath: /nix/", b"StorePath: /gnu/"), "StorePath"),
        ((b"\n", b"\r\n"), "control character"),
    ],
)
def test_anything_else_is_not_taken(change: tuple[bytes, bytes], why: str) -> None:
    """Each with a reason for the log."""
    with pytest.raises(DisbeliefError, match=why):
        taken(BODY.replace(*change, 1))


def test_another_paths_narinfo_is_not_taken() -> None:
    """Signed as it is: the client asked for something else."""
    with pytest.raises(DisbeliefError, match="another path"):
        taken(BODY, path_hash="0" * 32)


def test_another_key_is_not_enough() -> None:
    """Only keys that the spec names."""
    with pytest.raises(DisbeliefError, match="signature"):
        taken(BODY, stranger=True)


@given(st.binary(max_size=400))
def test_any_bytes_are_refused_in_peace(noise: bytes) -> None:
    """Nothing but DisbeliefError comes of them."""
    with pytest.raises(DisbeliefError):
        taken(noise)


@pytest.mark.parametrize(
    "target",
    [
        "/nar/x.nar",
        f"/nar/{PREFIX}/x.nar",
        f"/nar/{PREFIX}/{MARK}/",
        f"/nar/{PREFIX}/{MARK}/../x",
        f"/nar/{PREFIX}/{MARK}/a//b",
        f"/nar/{PREFIX}/ABCDEFGH/x.nar",
        f"/nar/{PREFIX}/{MARK}/x\r\nHost: y",
    ],
)
def test_other_targets_are_no_neighbours_nars(target: str) -> None:
    """They are asked of nobody."""
    assert read_nar_target(target) is None
