"""Trees in memory: only those that a NAR can hold."""

import pytest

from passthru.errors import FormatError
from passthru.nix.nar_tree import Directory, File, Symlink


def test_entries_are_sorted_by_their_bytes() -> None:
    """A directory's order is that of the bytes, not of the code points, nor that given."""
    byte_80, e_acute, face, byte_ff = "\udc80", "\u00e9", "\U0001f600", "\udcff"

    tree = Directory(dict.fromkeys([face, byte_ff, e_acute, "a", byte_80, "Z"], File(b"")))

    assert list(tree.entries) == ["Z", "a", byte_80, e_acute, face, byte_ff]


def test_equal_whatever_the_order() -> None:
    """Two directories of the same entries are equal."""
    one, two = File(b"1"), File(b"2", executable=True)

    assert Directory({"a": one, "b": two}) == Directory({"b": two, "a": one})
    assert Directory({"a": one}) != Directory({"a": two})


def test_frozen() -> None:
    """A directory does not follow the mapping it was made from, and cannot be changed."""
    entries = {"a": File(b"")}
    tree = Directory(entries)
    entries["b"] = File(b"")

    assert list(tree.entries) == ["a"]
    with pytest.raises(TypeError):
        tree.entries["b"] = File(b"")  # type: ignore[index]


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/", "a\0", "\0", "x" * 1025, "\ud800"])
def test_names_refused(name: str) -> None:
    """No entry has a name that leads elsewhere or that no file can have."""
    with pytest.raises(FormatError, match="name"):
        Directory({name: File(b"")})


@pytest.mark.parametrize(
    "name", ["...", ".a", "a ", "-", "\n", "\\", "\u00e9", "\udcff", "x" * 1024]
)
def test_names_allowed(name: str) -> None:
    """All other names are allowed, those that are no text too."""
    assert list(Directory({name: File(b"")}).entries) == [name]


def test_two_spellings_of_one_name() -> None:
    """Two strings that are the same bytes on disk are one name, and refused."""
    with pytest.raises(FormatError, match="twice"):
        Directory({"\u00e9": File(b""), "\udcc3\udca9": File(b"")})


@pytest.mark.parametrize("target", ["", "a\0b", "x" * 4097, "\ud800"])
def test_targets_refused(target: str) -> None:
    """No symbolic link has an empty target, or one longer than a path."""
    with pytest.raises(FormatError, match="target"):
        Symlink(target)
