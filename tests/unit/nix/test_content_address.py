"""Content addresses, and the store paths that follow from them."""

import pytest

from passthru.errors import FormatError
from passthru.nix.content_address import (
    ContentAddress,
    IngestionMethod,
    fixed_output_path,
    output_path,
    text_path,
)
from passthru.nix.hashes import Hash, HashAlgorithm, sha256
from passthru.nix.store_path import StorePath

HELLO = sha256(b"hello\n")
SHA1 = Hash(HashAlgorithm.SHA1, bytes(range(20)))


@pytest.mark.parametrize(
    "text",
    [
        f"text:{HELLO}",
        f"fixed:{HELLO}",
        f"fixed:r:{HELLO}",
        f"fixed:git:{SHA1}",
    ],
)
def test_round_trip(text: str) -> None:
    """Every method prints as it was read."""
    assert str(ContentAddress.parse(text)) == text


def test_hexadecimal_is_printed_as_nix32() -> None:
    """Another spelling of the hash is read, and printed as Nix prints it."""
    assert str(ContentAddress.parse(f"fixed:r:sha256:{HELLO.hex}")) == f"fixed:r:{HELLO}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "text",
        "text:",
        "text:sha256",
        f"text:r:{HELLO}",
        f"fixes:{HELLO}",
        f"fixed:R:{HELLO}",
        f"fixed:r:r:{HELLO}",
        f"fixed:{HELLO.sri}",
        f"text:{SHA1}",
        "fixed:r:sha256:00",
        f"{HELLO}",
    ],
)
def test_refusals(text: str) -> None:
    """What Nix does not know as a content address is refused."""
    with pytest.raises(FormatError):
        ContentAddress.parse(text)


@pytest.mark.parametrize(
    ("method", "value", "name", "expected"),
    [
        # nix-store --print-fixed-path [--recursive] sha256|sha1 HEX NAME
        (
            IngestionMethod.RECURSIVE,
            HELLO,
            "src",
            "/nix/store/c3sv42zvhwgvlh1zhj1nznwf6178ar8x-src",
        ),
        (
            IngestionMethod.FLAT,
            HELLO,
            "hello.tar.gz",
            "/nix/store/g4858g2zzns2ah5vmq7c9alxnqx17mbq-hello.tar.gz",
        ),
        (IngestionMethod.RECURSIVE, SHA1, "src", "/nix/store/g987g91bzaifsrwwpffgz2b363yfjxyv-src"),
    ],
)
def test_fixed_output_paths(method: IngestionMethod, value: Hash, name: str, expected: str) -> None:
    """Fixed-output paths are those that nix-store computes."""
    path = fixed_output_path(name, ContentAddress(method, value))

    assert path.absolute() == expected


def test_text_path() -> None:
    """A text path is that of builtins.toFile."""
    assert (
        text_path("note.txt", b"hello\n").absolute()
        == "/nix/store/ha42hgz88l4lab3af6k2fgbhxbcgxm2n-note.txt"
    )


def test_references_are_part_of_the_address() -> None:
    """The order in which references are given does not matter, their presence does."""
    one, two = text_path("one", b"1"), text_path("two", b"2")

    both = text_path("x", b"x", references=(one, two))

    assert both == text_path("x", b"x", references=(two, one))
    assert both != text_path("x", b"x")
    assert both != text_path("x", b"x", references=(one,))


def test_only_recursive_sha256_has_references() -> None:
    """Nix has no address for a flat file that refers to others; neither have we."""
    with pytest.raises(FormatError, match="references"):
        fixed_output_path(
            "x",
            ContentAddress(IngestionMethod.FLAT, HELLO),
            references=(text_path("one", b"1"),),
        )


def test_output_path() -> None:
    """An input-addressed path depends on the digest, the name and the store directory."""
    path = output_path("hello-1.0", HELLO)

    assert isinstance(path, StorePath)
    assert path.name == "hello-1.0"
    assert path != output_path("hello-1.1", HELLO)
    assert path != output_path("hello-1.0", sha256(b""))
    assert path != output_path("hello-1.0", HELLO, store_dir="/data/store")
    assert path == output_path("hello-1.0", HELLO)
