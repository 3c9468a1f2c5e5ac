"""The formats of Nix: store paths, narinfos, NARs, signatures, whole caches; pure values."""

from passthru.nix.binary_cache import BinaryCache, Compression, Package, make_cache
from passthru.nix.cache_info import CacheInfo, parse_cache_info
from passthru.nix.content_address import (
    ContentAddress,
    IngestionMethod,
    fixed_output_path,
    output_path,
    text_path,
)
from passthru.nix.demo_packages import demo_cache
from passthru.nix.hashes import Hash, HashAlgorithm, sha256
from passthru.nix.keys import PublicKey, SecretKey, Signature
from passthru.nix.listing import make_listing
from passthru.nix.nar_reader import Limits, make_tree, parse_nar, read_nar
from passthru.nix.nar_tree import Directory, File, Node, Symlink
from passthru.nix.nar_writer import (
    NarDigest,
    encode_nar,
    nar_bytes,
    nar_digest,
    path_chunks,
    tree_chunks,
)
from passthru.nix.narinfo import NarInfo
from passthru.nix.narinfo_reader import parse_narinfo
from passthru.nix.signatures import is_content_addressed, sign_narinfo, verify_narinfo
from passthru.nix.store_path import STORE_DIR, StorePath, StorePathHash, parse_store_path_hash

__all__ = [
    "STORE_DIR",
    "BinaryCache",
    "CacheInfo",
    "Compression",
    "ContentAddress",
    "Directory",
    "File",
    "Hash",
    "HashAlgorithm",
    "IngestionMethod",
    "Limits",
    "NarDigest",
    "NarInfo",
    "Node",
    "Package",
    "PublicKey",
    "SecretKey",
    "Signature",
    "StorePath",
    "StorePathHash",
    "Symlink",
    "demo_cache",
    "encode_nar",
    "fixed_output_path",
    "is_content_addressed",
    "make_cache",
    "make_listing",
    "make_tree",
    "nar_bytes",
    "nar_digest",
    "output_path",
    "parse_cache_info",
    "parse_nar",
    "parse_narinfo",
    "parse_store_path_hash",
    "path_chunks",
    "read_nar",
    "sha256",
    "sign_narinfo",
    "text_path",
    "tree_chunks",
    "verify_narinfo",
]
