"""narinfo files: what Nix writes comes back byte for byte, what is hostile is refused."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passthru.errors import FormatError
from passthru.nix import base32
from passthru.nix.content_address import ContentAddress, IngestionMethod
from passthru.nix.hashes import Hash, HashAlgorithm, sha256
from passthru.nix.narinfo import NarInfo
from passthru.nix.narinfo_reader import LONGEST_NARINFO, parse_narinfo
from passthru.nix.store_path import NAME_CHARACTERS, StorePath, StorePathHash

H = "0c892mn2as7xgmqsc9yaqgclj2mdwq6w"
EMPTY = "sha256:0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73"
WHOLE = f"""\
StorePath: /nix/store/{H}-hello-2.12.1
URL: nar/1r3v22qkypccqifzbww5lrn6hf1chi23m6zzkyvb8bvg457nxslq.nar.xz
Compression: xz
FileHash: {EMPTY}
FileSize: 50184
NarHash: {EMPTY}
NarSize: 226560
References: {H}-hello-2.12.1 143xibwh31h9bvxzalr0sjvbbvpa6ffs-glibc-2.38
Deriver: ha42hgz88l4lab3af6k2fgbhxbcgxm2n-hello-2.12.1.drv
Sig: cache.nixos.org-1:AAAA
Sig: other-1:BBBB
CA: fixed:r:{EMPTY}
"""
LEAST = f"""\
StorePath: /nix/store/{H}-a
URL: nar/x
NarHash: {EMPTY}
NarSize: 1
"""


def changed(old: str, new: str) -> bytes:
    """Edit the whole narinfo, and make sure that the edit took."""
    assert old in WHOLE
    return WHOLE.replace(old, new, 1).encode()


names = st.text(alphabet=NAME_CHARACTERS, min_size=1, max_size=20).map(lambda text: f"n{text}")
paths = st.builds(
    StorePath, st.binary(min_size=20, max_size=20).map(base32.encode).map(StorePathHash), names
)
digests = st.binary(min_size=32, max_size=32).map(lambda data: Hash(HashAlgorithm.SHA256, data))
words = st.text(alphabet=st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1)
sizes = st.integers(min_value=1, max_value=2**64 - 1)
narinfos = st.builds(
    NarInfo,
    store_path=paths,
    url=words,
    compression=words,
    file_hash=st.none() | digests,
    file_size=st.none() | sizes,
    nar_hash=digests,
    nar_size=sizes,
    references=st.lists(paths, max_size=4, unique=True).map(tuple),
    deriver=st.none() | paths,
    system=st.none() | words,
    signatures=st.lists(words, max_size=3).map(tuple),
    ca=st.none() | digests.map(lambda digest: ContentAddress(IngestionMethod.RECURSIVE, digest)),
    extra=st.lists(st.tuples(words.map(lambda w: "X" + w.replace(":", "")), words), max_size=2).map(
        tuple
    ),
)


def test_all_fields() -> None:
    """Every field that Nix writes is read into its type."""
    info = parse_narinfo(WHOLE.encode())

    assert info == NarInfo(
        store_path=StorePath.parse(f"{H}-hello-2.12.1"),
        url="nar/1r3v22qkypccqifzbww5lrn6hf1chi23m6zzkyvb8bvg457nxslq.nar.xz",
        compression="xz",
        file_hash=sha256(b""),
        file_size=50184,
        nar_hash=sha256(b""),
        nar_size=226560,
        references=(
            StorePath.parse(f"{H}-hello-2.12.1"),
            StorePath.parse("143xibwh31h9bvxzalr0sjvbbvpa6ffs-glibc-2.38"),
        ),
        deriver=StorePath.parse("ha42hgz88l4lab3af6k2fgbhxbcgxm2n-hello-2.12.1.drv"),
        signatures=("cache.nixos.org-1:AAAA", "other-1:BBBB"),
        ca=ContentAddress(IngestionMethod.RECURSIVE, sha256(b"")),
    )


def test_byte_for_byte() -> None:
    """What Nix writes is printed back unchanged."""
    assert parse_narinfo(WHOLE.encode()).to_bytes() == WHOLE.encode()


@given(narinfos)
def test_round_trip(info: NarInfo) -> None:
    """Every value survives a round trip."""
    assert parse_narinfo(info.to_bytes()) == info


def test_the_least() -> None:
    """Four lines are enough; without a Compression it is bzip2, as Nix has it."""
    info = parse_narinfo(LEAST.encode())

    assert info.compression == "bzip2"
    assert (info.file_hash, info.file_size, info.deriver, info.ca) == (None, None, None, None)
    assert (info.references, info.signatures, info.extra) == ((), (), ())


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("Compression: \n", "compression", "bzip2"),
        ("References: \n", "references", ()),
        ("Deriver: unknown-deriver\n", "deriver", None),
        ("System: x86_64-linux\n", "system", "x86_64-linux"),
        ("CA: \n", "ca", None),
        ("Novelty: caf\u00e9 au lait\n", "extra", (("Novelty", "caf\u00e9 au lait"),)),
        ("FileSize: 0\n", "file_size", 0),
        (f"FileHash: sha1:{'0' * 40}\n", "file_hash", Hash(HashAlgorithm.SHA1, bytes(20))),
    ],
)
def test_tolerance(line: str, field: str, value: object) -> None:
    """Lines that Nix takes are taken, unknown ones kept."""
    assert getattr(parse_narinfo((LEAST + line).encode()), field) == value


@pytest.mark.parametrize(
    "spelling",
    [
        EMPTY,
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    ],
)
def test_one_fingerprint_for_all_spellings(spelling: str) -> None:
    """However the hash was written, the signature covers its nix32 form."""
    info = parse_narinfo(LEAST.replace(EMPTY, spelling).encode())

    assert info.fingerprint == f"1;/nix/store/{H}-a;{EMPTY};1;"


def test_fingerprint_sorts_and_merges_references() -> None:
    """The fingerprint holds a set of absolute paths, in order."""
    info = parse_narinfo(WHOLE.encode())
    small, large = sorted(info.references)
    twice = replace(info, references=(large, small, large))

    expected = f"1;/nix/store/{H}-hello-2.12.1;{EMPTY};226560;{small.absolute()},{large.absolute()}"
    assert info.fingerprint == expected
    assert twice.fingerprint == expected


def test_what_may_be_rewritten() -> None:
    """URL, Compression, FileHash and FileSize are outside the fingerprint."""
    info = parse_narinfo(WHOLE.encode())

    other = replace(info, url="elsewhere", compression="none", file_hash=None, file_size=None)

    assert other.fingerprint == info.fingerprint
    assert replace(info, nar_size=1).fingerprint != info.fingerprint


def test_another_store_directory() -> None:
    """A cache of another store directory is read when it is asked for, and only then."""
    text = LEAST.replace("/nix/store/", "/data/store/").encode()

    info = parse_narinfo(text, store_dir="/data/store")

    assert info.fingerprint.startswith("1;/data/store/")
    assert info.to_bytes().startswith(b"StorePath: /data/store/")
    with pytest.raises(FormatError, match="StorePath"):
        parse_narinfo(text)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "StorePath"),
        (b"\n", "line 1"),
        (b"404", "newline"),
        (b"<html>\n<body>welcome</body></html>\n", "line 1"),
        (WHOLE[:-1].encode(), "newline"),
        (b"\xef\xbb\xbf" + WHOLE.encode(), "StorePath"),
        (WHOLE.replace("\n", "\r\n").encode(), "line 1: control character"),
        (WHOLE.encode() + b"Novelty: \xff\n", "UTF-8"),
        (WHOLE.encode() + b"Novelty: a\0b\n", "line 13: control character"),
        (WHOLE.encode("utf-16"), "UTF-8|control"),
        (WHOLE.encode() + b"\n", "line 13"),
        (WHOLE.encode() + b": x\n", "line 13"),
        (changed("URL: ", "URL:"), "line 2"),
        (changed("URL: ", "URL : "), "URL"),
        (changed("URL: nar/", "url: nar/"), "URL"),
        (changed("StorePath: /nix", "StorePath: /gnu"), "line 1: StorePath"),
        (changed("StorePath: /nix/store/", "StorePath: "), "line 1: StorePath"),
        (changed("-hello-2.12.1\nURL", "-hello-2.12.1/bin\nURL"), "line 1: StorePath"),
        (changed("NarSize: 226560", "NarSize: -1"), "line 7: NarSize"),
        (changed("NarSize: 226560", "NarSize: +1"), "line 7: NarSize"),
        (changed("NarSize: 226560", "NarSize: 0"), "NarSize"),
        (changed("NarSize: 226560", "NarSize: 1_000"), "line 7: NarSize"),
        (changed("NarSize: 226560", "NarSize: 0x10"), "line 7: NarSize"),
        (changed("NarSize: 226560", "NarSize: 1e3"), "line 7: NarSize"),
        (changed("NarSize: 226560", "NarSize: \u0661"), "line 7: NarSize"),
        (changed("NarSize: 226560", "NarSize:  1"), "line 7: NarSize"),
        (changed("NarSize: 226560", "NarSize: "), "line 7: NarSize"),
        (changed("NarSize: 226560", f"NarSize: {2**64}"), "line 7: NarSize"),
        pytest.param(
            changed("NarSize: 226560", "NarSize: " + "9" * 9999), "line 7: NarSize", id="digits"
        ),
        (changed("FileSize: 50184", "FileSize: -1"), "line 5: FileSize"),
        (changed("FileHash: sha256:0", "FileHash: sha256:z"), "line 4: FileHash"),
        (changed("NarHash: sha256:0", "NarHash: z"), "line 6: NarHash"),
        (changed(f"NarHash: {EMPTY}", f"NarHash: sha1:{'0' * 40}"), "line 6: NarHash"),
        (changed("References: ", "References: /nix/store/"), "line 8: References"),
        (changed("References: ", "References: x,"), "line 8: References"),
        (changed("Deriver: h", "Deriver: /nix/store/h"), "line 9: Deriver"),
        (changed("Deriver: h", "Deriver: e"), "line 9: Deriver"),
        (changed("CA: fixed", "CA: broken"), "line 12: CA"),
        (changed("URL: nar/", "URL: \nOther: "), "URL"),
    ],
)
def test_refusals(data: bytes, reason: str) -> None:
    """Hostile and broken files are refused in one line that says where."""
    with pytest.raises(FormatError, match=reason) as caught:
        parse_narinfo(data)

    assert "\n" not in caught.value.message
    assert caught.value.message.isascii()
    assert len(caught.value.message) < 250


@pytest.mark.parametrize("key", [line.split(":")[0] for line in LEAST.splitlines()])
def test_what_is_needed(key: str) -> None:
    """A narinfo without one of its four needed lines is refused by name."""
    lines = [line for line in LEAST.splitlines(keepends=True) if not line.startswith(key)]

    with pytest.raises(FormatError, match=f"no {key}"):
        parse_narinfo("".join(lines).encode())


@pytest.mark.parametrize("line", [n for n in WHOLE.splitlines() if not n.startswith("Sig")])
def test_once_is_enough(line: str) -> None:
    """No line but Sig may come twice: two readers could take two different ones."""
    key, _, _ = line.partition(":")

    with pytest.raises(FormatError, match=f"line 13: {key} comes twice"):
        parse_narinfo(f"{WHOLE}{line}\n".encode())


def test_floods() -> None:
    """A file without an end is refused by its size, before anything in it is read."""
    with pytest.raises(FormatError, match="too long"):
        parse_narinfo(b"\xff" * (LONGEST_NARINFO + 1))


def test_many_references() -> None:
    """Thousands of references are a large closure, not an attack."""
    many = " ".join(f"{H}-{number}" for number in range(10_000))

    assert len(parse_narinfo(f"{LEAST}References: {many}\n".encode()).references) == 10_000


@pytest.mark.parametrize(
    "change",
    [
        {"url": "nar/x\nSig: forged"},
        {"url": ""},
        {"compression": ""},
        {"compression": "xz\n"},
        {"system": "a\0"},
        {"signatures": ("a\nCA: x",)},
        {"extra": (("Sig", "x"),)},
        {"extra": (("a\nb", "x"),)},
        {"extra": (("a:b", "x"),)},
        {"extra": (("", "x"),)},
        {"extra": (("a", "x\n"),)},
        {"nar_size": 0},
        {"nar_size": 2**64},
        {"file_size": -1},
        {"nar_hash": Hash(HashAlgorithm.SHA1, bytes(20))},
    ],
)
def test_no_value_that_cannot_be_printed(change: dict[str, object]) -> None:
    """A value that would print as something else cannot be made."""
    info = parse_narinfo(WHOLE.encode())

    with pytest.raises(FormatError):
        replace(info, **change)  # type: ignore[arg-type]


@given(st.binary(max_size=300))
def test_noise(data: bytes) -> None:
    """Noise is refused with the one error, nothing else."""
    with pytest.raises(FormatError):
        parse_narinfo(data)


@given(st.integers(min_value=0, max_value=len(WHOLE) - 1), st.integers(0, 255))
def test_one_byte_changed(place: int, byte: int) -> None:
    """A changed byte gives a narinfo or the one error; what parses still round-trips."""
    data = bytearray(WHOLE.encode())
    data[place] = byte
    try:
        info = parse_narinfo(bytes(data))
    except FormatError:
        return
    assert parse_narinfo(info.to_bytes()) == info
