"""NARs read from strangers: as strict as Nix, in bounded space."""

import io
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from passthru.errors import FormatError
from passthru.nix.nar_events import MOST_LEVELS, FileBegin, FileData
from passthru.nix.nar_reader import Limits, parse_nar, read_nar
from passthru.nix.nar_tree import Directory, File, Node, Symlink
from passthru.nix.nar_writer import encode_nar, nar_bytes
from tests.unit.nix.nar_parts import FILE, LINK, MAGIC, directory, number, token, tokens, trees

REGULAR = tokens(b"(", b"type", b"regular")


class Trickle(io.BytesIO):
    """A stream that gives one byte at a time, as a socket may."""

    @override
    def read(self, size: int | None = -1, /) -> bytes:
        """Give at most one byte."""
        return super().read(min(size or 0, 1))


@given(trees)
def test_round_trip(tree: Node) -> None:
    """Every tree survives a round trip."""
    assert parse_nar(nar_bytes(tree)) == tree


@given(trees)
def test_events_round_trip(tree: Node) -> None:
    """Reading events and writing them again gives the same bytes."""
    data = nar_bytes(tree)

    assert b"".join(encode_nar(read_nar(io.BytesIO(data)))) == data


def test_trickling() -> None:
    """Short reads make no difference."""
    data = nar_bytes(Directory({"a": File(b"x" * 100), "b": Symlink("y")}))

    assert b"".join(encode_nar(read_nar(Trickle(data)))) == data


def test_pieces() -> None:
    """A large file comes in pieces, so that it need not fit into memory."""
    data = nar_bytes(File(b"x" * 1_000_000))

    pieces = [len(e.data) for e in read_nar(io.BytesIO(data)) if isinstance(e, FileData)]

    assert sum(pieces) == 1_000_000
    assert max(pieces) <= 65536


def test_offsets() -> None:
    """The offset of a file points at its contents in the NAR."""
    data = nar_bytes(Directory({"a": File(b"first"), "b": File(b"second"), "c": File(b"")}))

    found = [
        data[event.offset : event.offset + event.size]
        for event in read_nar(io.BytesIO(data))
        if isinstance(event, FileBegin)
    ]

    assert found == [b"first", b"second", b""]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not a NAR"),
        (b"<html>", "not a NAR"),
        (b"\xfd7zXZ\0\0\x04" * 10, "not a NAR"),
        (token(b"nix-archive-2") + FILE, "not a NAR"),
        (MAGIC, "ends"),
        (MAGIC + FILE[:-1], "ends"),
        (MAGIC + FILE[:-16], "ends"),
        (MAGIC + FILE + b"\0", "goes on"),
        (MAGIC + FILE + MAGIC + FILE, "goes on"),
        (MAGIC + token(b")"), r'"\("'),
        (MAGIC + tokens(b"(", b"kind", b"regular"), '"type"'),
        (MAGIC + tokens(b"(", b"type", b"fifo", b")"), "fifo"),
        (MAGIC + tokens(b"(", b"type", b"regular", b")"), "contents"),
        (MAGIC + tokens(b"(", b"type", b"symlink", b")"), "target"),
        (MAGIC + tokens(b"(", b"type", b"symlink", b"target", b"", b")"), "target"),
        (MAGIC + tokens(b"(", b"type", b"symlink", b"target", b"a\0b", b")"), "target"),
        (MAGIC + tokens(b"(", b"type", b"symlink", b"target", b"x" * 4097, b")"), "long"),
        (MAGIC + REGULAR + tokens(b"executable", b"yes", b"contents", b"", b")"), "executable"),
        (
            MAGIC + REGULAR + tokens(b"executable", b"", b"executable", b"", b"contents", b""),
            "contents",
        ),
        (MAGIC + REGULAR + tokens(b"contents", b"", b"executable", b"", b")"), r'"\)"'),
        (MAGIC + REGULAR + tokens(b"contents", b"a", b"contents", b"b", b")"), r'"\)"'),
        (MAGIC + directory((b"", FILE)), "name"),
        (MAGIC + directory((b".", FILE)), "name"),
        (MAGIC + directory((b"..", FILE)), "name"),
        (MAGIC + directory((b"a/b", FILE)), "name"),
        (MAGIC + directory((b"/etc", FILE)), "name"),
        (MAGIC + directory((b"a\0", FILE)), "name"),
        (MAGIC + directory((b"x" * 1025, FILE)), "long"),
        (MAGIC + directory((b"b", FILE), (b"a", FILE)), "order"),
        (MAGIC + directory((b"a", FILE), (b"a", LINK)), "order"),
        (MAGIC + directory((b"\xc3\xa9", FILE), (b"z", FILE)), "order"),
        (MAGIC + tokens(b"(", b"type", b"directory", b"item"), "entry"),
        (MAGIC + tokens(b"(", b"type", b"directory", b"entry", b"(", b"node"), '"name"'),
        (
            MAGIC + tokens(b"(", b"type", b"directory", b"entry", b"(", b"name", b"a", b")"),
            '"node"',
        ),
        # the closing bracket of an entry is missing
        (
            MAGIC
            + tokens(b"(", b"type", b"directory", b"entry", b"(", b"name", b"a", b"node")
            + FILE
            + tokens(b"entry", b"("),
            r'"\)"',
        ),
        # padding that is not zero: of a token, of contents
        (MAGIC + number(1) + b"(" + b"\0" * 6 + b"\x01" + FILE[16:], "padding"),
        (MAGIC + FILE.replace(b"hi\n\0", b"hi\n\x01"), "padding"),
        # lengths that promise too much
        (MAGIC + number(2**64 - 1), "long"),
        (MAGIC + number(2**63) + b"(", "long"),
        (MAGIC + REGULAR + token(b"contents") + number(2**63) + b"x" * 99, "large"),
        (MAGIC + REGULAR + token(b"contents") + number(2**20) + b"x" * 99, "ends"),
    ],
)
def test_refusals(data: bytes, reason: str) -> None:
    """Whatever Nix would refuse, and what could hurt us, is refused in one line."""
    with pytest.raises(FormatError, match=reason) as caught:
        list(read_nar(io.BytesIO(data)))

    assert "\n" not in caught.value.message
    assert caught.value.message.isascii()
    assert len(caught.value.message) < 200


@pytest.mark.parametrize("place", range(0, len(MAGIC + FILE), 8))
def test_cut_anywhere(place: int) -> None:
    """A NAR cut short anywhere is refused."""
    with pytest.raises(FormatError):
        parse_nar((MAGIC + FILE)[:place])


def test_depth_is_bounded() -> None:
    """Directories within directories without an end neither recurse nor pass."""
    deep = tokens(b"(", b"type", b"directory")
    step = tokens(b"entry", b"(", b"name", b"d", b"node")
    with pytest.raises(FormatError, match="deep"):
        parse_nar(MAGIC + (deep + step) * 100_000)

    tree: Node = Directory({})
    for _ in range(MOST_LEVELS - 1):
        tree = Directory({"d": tree})
    assert parse_nar(nar_bytes(tree)) == tree


def test_members_are_bounded() -> None:
    """A million empty files are refused when the limit says so."""
    data = MAGIC + directory(*((b"%04d" % number, FILE) for number in range(11)))
    limits = Limits(members=11)

    with pytest.raises(FormatError, match="more than 11"):
        list(read_nar(io.BytesIO(data), limits=limits))
    assert list(read_nar(io.BytesIO(data), limits=Limits(members=12)))


def test_size_is_bounded() -> None:
    """The sizes of all files together are held to the limit, before any is read."""
    data = nar_bytes(Directory({"a": File(b"x" * 60), "b": File(b"x" * 60)}))

    with pytest.raises(FormatError, match="large"):
        list(read_nar(io.BytesIO(data), limits=Limits(size=119)))
    assert list(read_nar(io.BytesIO(data), limits=Limits(size=120)))


def test_a_promise_costs_no_memory() -> None:
    """A few bytes that promise gigabytes do not make us reserve them."""
    promise = io.BytesIO(MAGIC + REGULAR + token(b"contents") + number(2**33) + b"x" * 99)
    tracemalloc.start()
    try:
        with pytest.raises(FormatError, match="ends"):
            list(read_nar(promise))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 1_000_000


@given(trees, st.data())
def test_one_byte_changed(tree: Node, data: st.DataObject) -> None:
    """A changed byte gives the one error, or another tree that is written just so."""
    nar = bytearray(nar_bytes(tree))
    place = data.draw(st.integers(min_value=0, max_value=len(nar) - 1))
    nar[place] = data.draw(st.integers(min_value=0, max_value=255))
    try:
        other = parse_nar(bytes(nar))
    except FormatError:
        return
    assert nar_bytes(other) == nar


@given(st.binary(max_size=200))
def test_noise(data: bytes) -> None:
    """Noise behind the magic is refused, or is a whole NAR."""
    try:
        tree = parse_nar(MAGIC + data)
    except FormatError:
        return
    assert nar_bytes(tree) == MAGIC + data
