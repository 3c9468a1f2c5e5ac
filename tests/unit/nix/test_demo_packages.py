"""The cache of the demo: small, believable, always the same."""

import io
import lzma

import pytest

from passthru.nix.binary_cache import BinaryCache
from passthru.nix.demo_packages import MOST_PATHS, demo_cache
from passthru.nix.nar_events import FileData
from passthru.nix.nar_reader import read_nar
from passthru.nix.narinfo import NarInfo
from passthru.nix.narinfo_reader import parse_narinfo
from passthru.nix.signatures import verify_narinfo
from passthru.nix.store_path import StorePath


@pytest.fixture(name="cache", scope="module")
def cache_fixture() -> BinaryCache:
    """Give the cache that the demo serves."""
    return demo_cache()


def infos_of(cache: BinaryCache) -> dict[StorePath, NarInfo]:
    """Read all narinfos of a cache."""
    return {path: parse_narinfo(cache.files[f"{path.hash}.narinfo"]) for path in cache.paths}


def test_size(cache: BinaryCache) -> None:
    """A few dozen paths, a few megabytes, one NAR of about two."""
    sizes = sorted(info.nar_size for info in infos_of(cache).values())

    assert len(cache.paths) == 36
    assert 1_900_000 < sizes[-1] < 2_200_000
    assert sizes[-2] < 400_000
    assert 3_000_000 < sum(map(len, cache.files.values())) < 6_000_000


def test_all_signed(cache: BinaryCache) -> None:
    """Every path is signed by the cache's key, and none could do without."""
    for info in infos_of(cache).values():
        assert verify_narinfo(info, [cache.public_key])
        assert info.ca is None


def test_references_are_real(cache: BinaryCache) -> None:
    """A path that refers to another holds its name in its files, as real ones do."""
    infos = infos_of(cache)
    for path, info in infos.items():
        file = cache.files[info.url]
        nar = file if info.compression == "none" else lzma.decompress(file)
        events = read_nar(io.BytesIO(nar))
        contents = b"".join(event.data for event in events if isinstance(event, FileData))
        found = {other for other in cache.paths if str(other).encode() in contents}
        assert found == set(info.references), path


def test_shape(cache: BinaryCache) -> None:
    """It is a graph, not a list: most refer to several, and both kinds of NAR are there."""
    infos = infos_of(cache).values()
    top = infos_of(cache)[cache.top]

    assert 1 < len(top.references) < len(cache.paths) / 2
    assert sum(len(info.references) > 1 for info in infos) > 18
    assert {info.compression for info in infos} == {"none", "xz"}
    assert any(name.startswith("log/") for name in cache.files)
    assert all(info.deriver for info in infos)


def test_believable_names(cache: BinaryCache) -> None:
    """People see names of packages that they know, each once."""
    names = [path.name for path in cache.paths]

    assert len(set(names)) == len(names)
    assert any(name.startswith("openssl-3") for name in names)


def test_always_the_same(cache: BinaryCache) -> None:
    """The same seed gives the same bytes, another seed another cache and another key."""
    other = demo_cache("another")

    assert demo_cache() == cache
    assert not set(other.paths) & set(cache.paths)
    assert other.public_key != cache.public_key
    assert infos_of(other)[other.top].nar_hash != infos_of(cache)[cache.top].nar_hash


@pytest.mark.parametrize("paths", [3, 7, 60])
def test_any_number_of_paths(paths: int) -> None:
    """Fewer or more paths can be had, still as one closure."""
    cache = demo_cache(paths=paths)

    assert len({path.hash for path in cache.paths}) == paths
    assert len({path.name for path in cache.paths}) == paths


@pytest.mark.parametrize("paths", [-1, 0, 2, MOST_PATHS + 1])
def test_numbers_it_cannot_do(paths: int) -> None:
    """Numbers out of range are a mistake of the caller."""
    with pytest.raises(ValueError, match="paths"):
        demo_cache(paths=paths)
