"""The file nix-cache-info, read as leniently as Nix reads it and no more."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passthru.errors import FormatError
from passthru.nix.cache_info import CacheInfo, parse_cache_info

NIXOS = b"StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 40\n"

infos = st.builds(
    CacheInfo,
    store_dir=st.text(alphabet="abc/-.", max_size=30).map(lambda text: f"/{text}"),
    want_mass_query=st.booleans(),
    priority=st.none() | st.integers(min_value=-(2**31), max_value=2**31 - 1),
)


def test_that_of_cache_nixos_org() -> None:
    """The best known of them parses, and prints back byte for byte."""
    info = parse_cache_info(NIXOS)

    assert info == CacheInfo(store_dir="/nix/store", want_mass_query=True, priority=40)
    assert info.to_bytes() == NIXOS


@given(infos)
def test_round_trip(info: CacheInfo) -> None:
    """Every value survives a round trip."""
    assert parse_cache_info(info.to_bytes()) == info


def test_what_is_left_out() -> None:
    """Nix takes a cache without a priority as 0, the first; None says that it was silent."""
    info = parse_cache_info(b"StoreDir: /nix/store\n")

    assert info == CacheInfo(store_dir="/nix/store", want_mass_query=False, priority=None)
    assert info.to_bytes() == b"StoreDir: /nix/store\nWantMassQuery: 0\n"


def test_tolerance() -> None:
    """Spaces, carriage returns, unknown keys and lines that are none are passed over, as by Nix."""
    text = b"  hello\r\nStoreDir:/data/store  \r\nSponsor: \xc3\xa9\nWantMassQuery: yes\n\nPriority:\t7"

    info = parse_cache_info(text)

    assert info == CacheInfo(store_dir="/data/store", want_mass_query=False, priority=7)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not a nix-cache-info"),
        (b"<html><body>welcome</body></html>\n", "not a nix-cache-info"),
        (b"404", "not a nix-cache-info"),
        (b"StoreDir: /nix/store\xff\n", "UTF-8"),
        (b"StoreDir: nix/store\n", "StoreDir"),
        (b"StoreDir: \n", "StoreDir"),
        (b"StoreDir: /nix/st\0re\n", "StoreDir"),
        (b"StoreDir: /nix/store\nPriority: high\n", "Priority"),
        (b"StoreDir: /nix/store\nPriority: \n", "Priority"),
        (b"StoreDir: /nix/store\nPriority: 4 0\n", "Priority"),
        (b"StoreDir: /nix/store\nPriority: 1_0\n", "Priority"),
        (b"StoreDir: /nix/store\nPriority: \xd9\xa1\n", "Priority"),
        (b"StoreDir: /nix/store\nPriority: 99999999999\n", "Priority"),
        pytest.param(b"StoreDir: /nix/store\nPriority: " + b"9" * 9999, "Priority", id="digits"),
        pytest.param(b"StoreDir: /nix/store\n" * 10_000, "too long", id="flood"),
    ],
)
def test_refusals(data: bytes, reason: str) -> None:
    """What cannot be a nix-cache-info is refused in one line."""
    with pytest.raises(FormatError, match=reason) as caught:
        parse_cache_info(data)

    assert "\n" not in caught.value.message


@given(st.binary(max_size=200))
def test_noise(data: bytes) -> None:
    """Noise is parsed or refused, and nothing else."""
    with contextlib.suppress(FormatError):
        parse_cache_info(data)
