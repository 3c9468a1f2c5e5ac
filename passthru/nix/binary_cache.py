"""A complete signed binary cache in memory, made from trees."""

import io
import lzma
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter
from types import MappingProxyType
from typing import Final, assert_never

from passthru.errors import FormatError
from passthru.nix.cache_info import CacheInfo
from passthru.nix.hashes import sha256
from passthru.nix.keys import PublicKey, SecretKey
from passthru.nix.listing import make_listing
from passthru.nix.nar_reader import read_nar
from passthru.nix.nar_tree import Node
from passthru.nix.nar_writer import nar_bytes
from passthru.nix.narinfo import NarInfo
from passthru.nix.signatures import sign_narinfo
from passthru.nix.store_path import StorePath

LIKE_NIXOS: Final = CacheInfo(priority=40)


class Compression(StrEnum):
    """How a NAR is stored, by the names that a narinfo gives them."""

    NONE = "none"
    XZ = "xz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One store path to be: where it is, what is in it, what it needs."""

    path: StorePath
    tree: Node
    references: tuple[StorePath, ...] = ()
    deriver: StorePath | None = None
    log: bytes | None = None
    compression: Compression = Compression.XZ


@dataclass(frozen=True, slots=True)
class BinaryCache:
    """A cache as the files that a web server would serve, and what a client needs to use it."""

    files: Mapping[str, bytes]
    """Path below the cache's URL, without a slash before it, to contents."""

    top: StorePath
    """The path whose closure is the whole cache."""

    paths: tuple[StorePath, ...]
    """All paths, each after those it refers to."""

    public_key: PublicKey


def make_cache(
    packages: Iterable[Package],
    *,
    top: StorePath,
    secret_key: SecretKey,
    cache_info: CacheInfo = LIKE_NIXOS,
) -> BinaryCache:
    """Make the cache of the closure of `top`; raise FormatError when it is not just that."""
    packages = tuple(packages)
    paths = _closure(packages, top)
    files = {"nix-cache-info": cache_info.to_bytes()}
    for package in packages:
        nar = nar_bytes(package.tree)
        file = _compress(nar, package.compression)
        info = _describe(package, nar, file, cache_info.store_dir)
        files[info.url] = file
        files[f"{package.path.hash}.narinfo"] = sign_narinfo(info, secret_key).to_bytes()
        files[f"{package.path.hash}.ls"] = make_listing(read_nar(io.BytesIO(nar)))
        if package.deriver and package.log is not None:
            files[f"log/{package.deriver}"] = package.log
    return BinaryCache(MappingProxyType(files), top, paths, secret_key.public_key)


def _closure(packages: tuple[Package, ...], top: StorePath) -> tuple[StorePath, ...]:
    """Order the paths, references first, having seen that they are one closure."""
    graph = {package.path: set(package.references) - {package.path} for package in packages}
    if len({path.hash for path in graph}) < len(packages):
        raise FormatError("a store path comes twice in the cache")
    for path in {top}.union(*graph.values()):
        if path not in graph:
            raise FormatError(f"{path} is needed and not in the cache")
    reached: set[StorePath] = set()
    waiting = [top]
    while waiting:
        path = waiting.pop()
        if path not in reached:
            reached.add(path)
            waiting.extend(graph[path])
    if lost := graph.keys() - reached:
        raise FormatError(f"{min(lost)} is not reached from {top}")
    try:
        return tuple(
            TopologicalSorter({path: sorted(graph[path]) for path in graph}).static_order()
        )
    except CycleError:
        raise FormatError("the references of the cache are a cycle") from None


def _compress(nar: bytes, compression: Compression) -> bytes:
    match compression:
        case Compression.NONE:
            return nar
        case Compression.XZ:
            return lzma.compress(nar, preset=0)  # a demo is to start at once
        case _:
            assert_never(compression)


def _describe(package: Package, nar: bytes, file: bytes, store_dir: str) -> NarInfo:
    file_hash = sha256(file)
    suffix = "" if package.compression is Compression.NONE else f".{package.compression}"
    return NarInfo(
        store_path=package.path,
        url=f"nar/{file_hash.nix32}.nar{suffix}",
        compression=package.compression,
        file_hash=file_hash,
        file_size=len(file),
        nar_hash=sha256(nar),
        nar_size=len(nar),
        references=tuple(sorted(set(package.references))),
        deriver=package.deriver,
        store_dir=store_dir,
    )
