"""Whole caches in memory: everything a client checks, checked."""

import io
import json
import lzma

import pytest

from passthru.errors import FormatError
from passthru.nix.binary_cache import BinaryCache, Compression, Package, make_cache
from passthru.nix.cache_info import CacheInfo, parse_cache_info
from passthru.nix.hashes import sha256
from passthru.nix.keys import SecretKey
from passthru.nix.listing import make_listing
from passthru.nix.nar_reader import parse_nar, read_nar
from passthru.nix.nar_tree import Directory, File
from passthru.nix.narinfo_reader import parse_narinfo
from passthru.nix.signatures import verify_narinfo
from passthru.nix.store_path import StorePath

KEY = SecretKey.from_seed("test-1", b"k" * 32)
LIB = StorePath.parse("143xibwh31h9bvxzalr0sjvbbvpa6ffs-lib")
APP = StorePath.parse("0c892mn2as7xgmqsc9yaqgclj2mdwq6w-app")
DRV = StorePath.parse("ha42hgz88l4lab3af6k2fgbhxbcgxm2n-app.drv")

LIBRARY = Package(path=LIB, tree=Directory({"a": File(b"lib")}), compression=Compression.NONE)
PROGRAM = Package(
    path=APP,
    tree=Directory({"a": File(LIB.absolute().encode(), executable=True)}),
    references=(APP, LIB),
    deriver=DRV,
    log=b"building\n",
)


@pytest.fixture(name="cache")
def cache_fixture() -> BinaryCache:
    """Give a cache of two packages."""
    return make_cache([PROGRAM, LIBRARY], top=APP, secret_key=KEY)


def test_files(cache: BinaryCache) -> None:
    """A cache holds these files, by their paths without a slash before them."""
    nars = {name for name in cache.files if name.startswith("nar/")}

    assert set(cache.files) - nars == {
        "nix-cache-info",
        f"{APP.hash}.narinfo",
        f"{APP.hash}.ls",
        f"{LIB.hash}.narinfo",
        f"{LIB.hash}.ls",
        f"log/{DRV}",
    }
    assert sorted(name.partition(".")[2] for name in nars) == ["nar", "nar.xz"]
    assert cache.files[f"log/{DRV}"] == b"building\n"
    assert parse_cache_info(cache.files["nix-cache-info"]) == CacheInfo(priority=40)


@pytest.mark.parametrize("package", [LIBRARY, PROGRAM], ids=["plain", "xz"])
def test_each_path(cache: BinaryCache, package: Package) -> None:
    """narinfo, NAR and listing of a path agree with one another and with the tree."""
    info = parse_narinfo(cache.files[f"{package.path.hash}.narinfo"])
    file = cache.files[info.url]
    nar = file if info.compression == "none" else lzma.decompress(file)

    assert (info.store_path, info.deriver) == (package.path, package.deriver)
    assert info.references == tuple(sorted(package.references))
    assert verify_narinfo(info, [cache.public_key]) == ("test-1",)
    assert (info.file_hash, info.file_size) == (sha256(file), len(file))
    assert (info.nar_hash, info.nar_size) == (sha256(nar), len(nar))
    assert parse_nar(nar) == package.tree
    assert info.file_hash is not None
    assert info.file_hash.nix32 in info.url
    listing = cache.files[f"{package.path.hash}.ls"]
    assert listing == make_listing(read_nar(io.BytesIO(nar)))
    assert json.loads(listing)["version"] == 1


def test_what_it_says_of_itself(cache: BinaryCache) -> None:
    """The cache names its top, its paths with references first, and its key."""
    assert cache.top == APP
    assert cache.paths == (LIB, APP)
    assert cache.public_key == KEY.public_key


def test_frozen(cache: BinaryCache) -> None:
    """Its files cannot be changed in place."""
    with pytest.raises(TypeError):
        cache.files["x"] = b""  # type: ignore[index]


def test_another_store_directory() -> None:
    """A cache of another store directory says so in all its files."""
    cache = make_cache(
        [LIBRARY], top=LIB, secret_key=KEY, cache_info=CacheInfo(store_dir="/data/store")
    )

    info = parse_narinfo(cache.files[f"{LIB.hash}.narinfo"], store_dir="/data/store")
    assert verify_narinfo(info, [cache.public_key])


CYCLE = Package(path=LIB, tree=Directory({}), references=(APP,))


@pytest.mark.parametrize(
    ("packages", "top", "reason"),
    [
        ([], APP, "not in the cache"),
        ([LIBRARY], APP, "not in the cache"),
        ([PROGRAM], APP, "not in the cache"),
        ([PROGRAM, LIBRARY, LIBRARY], APP, "twice"),
        ([PROGRAM, LIBRARY], LIB, "not reached"),
        ([PROGRAM, CYCLE], APP, "cycle"),
    ],
)
def test_refusals(packages: list[Package], top: StorePath, reason: str) -> None:
    """What is not one closure with one top is refused."""
    with pytest.raises(FormatError, match=reason):
        make_cache(packages, top=top, secret_key=KEY)
