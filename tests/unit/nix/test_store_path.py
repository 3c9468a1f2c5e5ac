"""Store paths: what Nix's checkName allows, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passthru.errors import FormatError
from passthru.nix import base32
from passthru.nix.store_path import (
    NAME_CHARACTERS,
    StorePath,
    StorePathHash,
    parse_store_path_hash,
)

H = "0c892mn2as7xgmqsc9yaqgclj2mdwq6w"

names = st.text(alphabet=NAME_CHARACTERS, min_size=1, max_size=211).filter(
    lambda name: name.split("-", 1)[0] not in {".", ".."}
)
hashes = st.binary(min_size=20, max_size=20).map(base32.encode).map(StorePathHash)
store_paths = st.builds(StorePath, hashes, names)


def test_parts() -> None:
    """A store path is a hash and a name, whichever way it was written."""
    path = StorePath.parse(f"/nix/store/{H}-hello-2.12.1")

    assert (path.hash, path.name) == (H, "hello-2.12.1")
    assert path == StorePath.parse(f"{H}-hello-2.12.1")
    assert str(path) == f"{H}-hello-2.12.1"
    assert path.absolute() == f"/nix/store/{H}-hello-2.12.1"
    assert path.absolute("/data/store") == f"/data/store/{H}-hello-2.12.1"


@given(store_paths)
def test_round_trip(path: StorePath) -> None:
    """Every valid store path survives both spellings."""
    assert StorePath.parse(str(path)) == path
    assert StorePath.parse(path.absolute()) == path
    assert StorePath.from_absolute(path.absolute("/s"), "/s") == path


@given(st.lists(store_paths, max_size=5))
def test_order_is_that_of_the_text(paths: list[StorePath]) -> None:
    """Sorting values and sorting their texts is the same, as a fingerprint needs."""
    assert [str(path) for path in sorted(paths)] == sorted(str(path) for path in paths)


@pytest.mark.parametrize(
    "name", [".hidden", "..x", "...", ".a-b", "-", "a" * 211, "A+-._?=0", "x-.", "x-.."]
)
def test_names_allowed(name: str) -> None:
    """A leading dot is allowed when `.` or `..` is not the first dash-separated part."""
    assert StorePath.parse(f"{H}-{name}").name == name


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "empty"),
        (".", "first part"),
        ("..", "first part"),
        (".-x", "first part"),
        ("..-x", "first part"),
        ("a" * 212, "211"),
        ("a b", "letter"),
        ("a/b", "letter"),
        ("a\n", "letter"),
        ("a\0", "letter"),
        ("\u00e9", "letter"),
        ("a:b", "letter"),
        ("a%2e", "letter"),
        ("a~", "letter"),
    ],
)
def test_names_refused(name: str, reason: str) -> None:
    """A bad name is refused in one line that says why."""
    with pytest.raises(FormatError, match=reason) as caught:
        StorePath(StorePathHash(H), name)

    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "/nix/store",
        "/nix/store/",
        f"/nix/store/{H}",
        f"/nix/store/{H}-",
        f"/nix/store/{H}-a/bin",
        f"/nix/store//{H}-a",
        f"/nix/store/../store/{H}-a",
        f"/gnu/store/{H}-a",
        f"nix/store/{H}-a",
        H,
        f"{H}_a",
        f"{H[:-1]}-a",
        f"{H[:-1]}e-a",
        f"{H[:-1]}W-a",
        pytest.param(f"{H}-{'a' * 1_000_000}", id="huge"),
        " " + f"/nix/store/{H}-a",
    ],
)
def test_paths_refused(text: str) -> None:
    """What is not exactly one store path below the store directory is refused."""
    with pytest.raises(FormatError) as caught:
        StorePath.parse(text)

    assert len(caught.value.message) < 250


def test_each_spelling_in_its_place() -> None:
    """A field that holds one spelling does not take the other."""
    with pytest.raises(FormatError):
        StorePath.from_base_name(f"/nix/store/{H}-a")
    with pytest.raises(FormatError, match="/nix/store"):
        StorePath.from_absolute(f"{H}-a")


@pytest.mark.parametrize(
    "text", ["", H[1:], H + "0", H + "\n", H.upper(), f"{H[:-1]}e", f" {H[1:]}"]
)
def test_hashes_refused(text: str) -> None:
    """A hash alone, as in a request, is 32 letters of base 32 and nothing more."""
    assert parse_store_path_hash(H) == H
    with pytest.raises(FormatError, match="hash"):
        parse_store_path_hash(text)
