"""NARs built by hand for the tests, byte for byte as the Nix manual draws them."""

import os

from hypothesis import strategies as st

from passthru.nix.nar_tree import Directory, File, Node, Symlink


def number(value: int) -> bytes:
    """Write a number as 8 bytes, the last of them the highest."""
    return value.to_bytes(8, "little")


def token(text: bytes) -> bytes:
    """Write a string: its length, its bytes, zeros up to a multiple of 8."""
    return number(len(text)) + text + b"\0" * (-len(text) % 8)


def tokens(*texts: bytes) -> bytes:
    """Write several strings."""
    return b"".join(map(token, texts))


MAGIC = token(b"nix-archive-1")
FILE = tokens(b"(", b"type", b"regular", b"contents", b"hi\n", b")")
LINK = tokens(b"(", b"type", b"symlink", b"target", b"x", b")")


def directory(*members: tuple[bytes, bytes]) -> bytes:
    """Write a directory of written members, in the order given."""
    inner = b"".join(
        tokens(b"entry", b"(", b"name", name, b"node") + node + token(b")")
        for name, node in members
    )
    return tokens(b"(", b"type", b"directory") + inner + token(b")")


names = (
    st.binary(min_size=1, max_size=12)
    .filter(lambda name: name not in {b".", b".."} and b"/" not in name and b"\0" not in name)
    .map(os.fsdecode)
)
files = st.builds(File, st.binary(max_size=40), executable=st.booleans())
symlinks = st.builds(
    Symlink,
    st.binary(min_size=1, max_size=20).filter(lambda text: b"\0" not in text).map(os.fsdecode),
)


def directories(children: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    """Put nodes into directories."""
    return st.builds(Directory, st.dictionaries(names, children, max_size=4))


trees: st.SearchStrategy[Node] = st.recursive(
    st.one_of(files, symlinks, st.just(Directory({}))), directories, max_leaves=12
)
