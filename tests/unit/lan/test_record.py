"""TXT records, written and read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passthru.lan.record import LONGEST_STRING, MOST_BYTES, Told, clean, read_txt, write_txt

KEY = "cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY="


def as_heard(values: dict[str, str]) -> dict[bytes, bytes | None]:
    """Return a record as zeroconf hands it over."""
    return {key.encode(): value.encode() for key, value in values.items()}


def test_what_is_written_is_read() -> None:
    """Every field comes back, and old clients find the two keys they look for."""
    told = Told(
        is_cache=True,
        identity="0123456789abcdef",
        priority=30,
        version="1.2",
        store_dir="/nix/store",
        keys=(KEY,),
        url="https://cache.example.org",
    )
    values = write_txt(told)

    assert (values["path"], values["nix-cache"]) == ("/", "1")
    assert read_txt(as_heard(values)) == told


def test_keys_that_do_not_fit_are_left_out() -> None:
    """All or none: half a list of keys would mislead."""
    several = tuple(f"k{number}-1:{KEY.partition(':')[2]}" for number in range(8))
    values = write_txt(Told(is_cache=True, identity="0" * 16, keys=several))

    assert "keys" not in values
    assert values["id"] == "0" * 16
    assert all(len(f"{key}={value}") <= LONGEST_STRING for key, value in values.items())
    assert sum(len(key) + len(value) + 2 for key, value in values.items()) <= MOST_BYTES


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("id", "../../etc"),
        ("id", "XYZ"),
        ("priority", "-1"),
        ("priority", "1001"),
        ("priority", "٣"),
        ("version", "\x1b[2J"),
        ("store", "nix/store"),
        ("store", "/nix/store\n"),
        ("url", "http://x.example"),
        ("url", "https://x.example/path"),
        ("url", "https://user@x.example"),
        ("keys", "no key at all"),
    ],
)
def test_what_is_wrong_was_not_said(key: str, value: str) -> None:
    """One bad value spoils nothing beside it."""
    assert read_txt(as_heard({key: value, "nix-cache": "1"})) == Told(is_cache=True)


@given(st.dictionaries(st.binary(max_size=40), st.none() | st.binary(max_size=300), max_size=80))
def test_any_record_can_be_read(pairs: dict[bytes, bytes | None]) -> None:
    """Whatever is heard, reading it raises nothing, and what comes of it can be printed."""
    told = read_txt(pairs)

    for text in (told.identity, told.version, told.store_dir, told.url, *told.keys):
        assert text is None or (text.isascii() and text.isprintable())


@given(st.text())
def test_a_name_can_always_be_printed(text: str) -> None:
    """No control character, no text turned round, never empty and never long."""
    shown = clean(text)

    assert shown
    assert shown.isprintable()
    assert len(shown) <= 200
