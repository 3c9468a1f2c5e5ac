"""Listings: what `write-nar-listing` of Nix writes."""

import io
import json
from typing import Any

import pytest
from hypothesis import given

from passthru.errors import FormatError
from passthru.nix.listing import make_listing
from passthru.nix.nar_reader import read_nar
from passthru.nix.nar_tree import Directory, File, Node, Symlink
from passthru.nix.nar_writer import nar_bytes
from tests.unit.nix.nar_parts import trees


def listing_of(tree: Node) -> bytes:
    """List a tree by way of its NAR."""
    return make_listing(read_nar(io.BytesIO(nar_bytes(tree))))


def test_known_listing() -> None:
    """The listing of a small tree is the one that `nix nar ls --json -R` printed."""
    tree = Directory(
        {
            "a": Directory({"b": File(b"hi\n", executable=True)}),
            "e": File(b""),
            "l": Symlink("x"),
        }
    )

    assert json.loads(listing_of(tree)) == {
        "version": 1,
        "root": {
            "type": "directory",
            "entries": {
                "a": {
                    "type": "directory",
                    "entries": {
                        "b": {"type": "regular", "size": 3, "executable": True, "narOffset": 400}
                    },
                },
                "e": {"type": "regular", "size": 0, "narOffset": 624},
                "l": {"type": "symlink", "target": "x"},
            },
        },
    }


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (File(b"x"), b'{"root":{"narOffset":96,"size":1,"type":"regular"},"version":1}'),
        (Symlink("\u00e9"), '{"root":{"target":"\u00e9","type":"symlink"},"version":1}'.encode()),
        (Directory({}), b'{"root":{"entries":{},"type":"directory"},"version":1}'),
    ],
)
def test_compact_and_sorted(tree: Node, expected: bytes) -> None:
    """The text is compact, sorted and UTF-8, so that equal NARs have equal listings."""
    assert listing_of(tree) == expected


@pytest.mark.parametrize("tree", [Directory({"\udcff": File(b"")}), Symlink("\udcff")])
def test_what_json_cannot_say(tree: Node) -> None:
    """A name that is no text has no place in JSON; that is said, not mangled."""
    with pytest.raises(FormatError, match="UTF-8"):
        listing_of(tree)


@given(trees)
def test_offsets(tree: Node) -> None:
    """With the NAR and its listing, every file can be cut out."""
    nar = nar_bytes(tree)
    try:
        listing = json.loads(listing_of(tree))
    except FormatError:
        return

    def check(node: Node, entry: dict[str, Any]) -> None:  # JSON
        match node:
            case File(contents, executable):
                start = entry["narOffset"]
                assert nar[start : start + entry["size"]] == contents
                assert entry.get("executable", False) == executable
            case Directory(entries):
                assert list(entries) == list(entry["entries"])
                for name, child in entries.items():
                    check(child, entry["entries"][name])
            case Symlink(target):
                assert entry["target"] == target

    check(tree, listing["root"])
