"""NARs written from memory and from disk: the same bytes, those that Nix writes."""

import os
import socket
from pathlib import Path

import pytest
from hypothesis import given

from passthru.errors import FormatError
from passthru.nix.nar_events import MOST_LEVELS, FileBegin, FileData, FileEnd
from passthru.nix.nar_tree import Directory, File, Node, Symlink
from passthru.nix.nar_writer import encode_nar, nar_bytes, nar_digest, path_chunks, tree_chunks
from tests.unit.nix.nar_parts import FILE, LINK, MAGIC, directory, tokens, trees

TREE = Directory(
    {
        "a": Directory({"b": File(b"hi\n", executable=True)}),
        "e": File(b""),
        "l": Symlink("x"),
    }
)


def put(node: Node, path: Path) -> None:
    """Write a tree to disk."""
    match node:
        case File(contents, executable):
            path.write_bytes(contents)
            path.chmod(0o755 if executable else 0o644)
        case Directory(entries):
            path.mkdir()
            for name, child in entries.items():
                put(child, path / name)
        case Symlink(target):
            path.symlink_to(target)


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (File(b"hi\n"), FILE),
        (Symlink("x"), LINK),
        (Directory({}), directory()),
        (Directory({"b": Symlink("x"), "a": File(b"hi\n")}), directory((b"a", FILE), (b"b", LINK))),
        (
            File(b"12345678", executable=True),
            tokens(b"(", b"type", b"regular", b"executable", b"", b"contents", b"12345678", b")"),
        ),
        (
            Directory({"d": Directory({"e": Directory({})}), "f": Directory({})}),
            directory((b"d", directory((b"e", directory()))), (b"f", directory())),
        ),
    ],
)
def test_bytes(tree: Node, expected: bytes) -> None:
    """Each kind of node becomes the bytes of the format."""
    assert nar_bytes(tree) == MAGIC + expected


def test_known_hash() -> None:
    """The hash of a small tree is the one that `nix-hash --type sha256 --base32` printed."""
    digest = nar_digest(tree_chunks(TREE))

    assert digest.hash.nix32 == "0c892mn2as7xgmqsc9yaqgclj2mdwq6wmrm5598mchps664xfw5w"
    assert digest.size == len(nar_bytes(TREE))


def test_from_disk(tmp_path: Path) -> None:
    """A directory on disk gives the bytes of the same tree in memory."""
    put(TREE, tmp_path / "t")

    assert b"".join(path_chunks(tmp_path / "t")) == nar_bytes(TREE)


@pytest.mark.parametrize(
    "tree",
    [File(b"x"), File(b"x", executable=True), Symlink("/nowhere"), Symlink("./a//b/../\udcff/")],
)
def test_single_files_from_disk(tmp_path: Path, tree: Node) -> None:
    """The root may be a file or a dangling link, which is neither followed nor tidied."""
    put(tree, tmp_path / "t")

    assert b"".join(path_chunks(tmp_path / "t")) == nar_bytes(tree)


def test_only_the_owners_bit_makes_executable(tmp_path: Path) -> None:
    """Executable is what the owner may execute, as in Nix."""
    path = tmp_path / "t"
    path.write_bytes(b"")
    path.chmod(0o655)

    assert b"".join(path_chunks(path)) == nar_bytes(File(b""))


def test_names_that_are_no_text(tmp_path: Path) -> None:
    """File names are bytes; they go into the NAR as they are, in their order."""
    for name in (b"\xff", b"\xc3\xa9", b"\x80", b"z"):
        (tmp_path / os.fsdecode(name)).write_bytes(b"hi\n")

    expected = MAGIC + directory(
        (b"z", FILE), (b"\x80", FILE), (b"\xc3\xa9", FILE), (b"\xff", FILE)
    )
    assert b"".join(path_chunks(tmp_path)) == expected


def test_streaming(tmp_path: Path) -> None:
    """A large file is read in pieces."""
    path = tmp_path / "large"
    path.write_bytes(b"x" * 1_000_000)

    pieces = list(path_chunks(path))

    assert max(map(len, pieces)) <= 65536
    assert b"".join(pieces) == nar_bytes(File(b"x" * 1_000_000))


def test_sockets_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is neither file, directory nor link is refused by its path."""
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s")
        with pytest.raises(FormatError, match='"s"'):
            list(path_chunks(Path()))


def test_what_is_not_there(tmp_path: Path) -> None:
    """A path that does not exist is the system's error, not a format's."""
    with pytest.raises(FileNotFoundError):
        list(path_chunks(tmp_path / "nothing"))


def test_depth_is_bounded(tmp_path: Path) -> None:
    """A tree deeper than any reader of ours accepts is not written either."""
    tree: Node = Directory({})
    for _ in range(MOST_LEVELS - 1):
        tree = Directory({"d": tree})
    nar_bytes(tree)
    with pytest.raises(FormatError, match="deep"):
        nar_bytes(Directory({"d": tree}))

    path = tmp_path
    for _ in range(MOST_LEVELS):
        path /= "d"
    path.mkdir(parents=True)
    with pytest.raises(FormatError, match="deep"):
        list(path_chunks(tmp_path))


@pytest.mark.parametrize("data", [b"", b"ab", b"abcd"])
def test_a_file_that_changes_while_it_is_read(data: bytes) -> None:
    """Contents of another size than announced would make a NAR that lies."""
    with pytest.raises(FormatError, match="size"):
        list(encode_nar([FileBegin("", size=3), FileData(data), FileEnd()]))


@given(trees)
def test_digest(tree: Node) -> None:
    """The digest's size is that of the bytes, always a multiple of 8."""
    digest = nar_digest(tree_chunks(tree))

    assert digest.size == len(nar_bytes(tree))
    assert digest.size % 8 == 0
