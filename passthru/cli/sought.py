"""What somebody means by a store path, a hash or a URL: a path on this cache; pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from passthru.errors import FormatError
from passthru.nginx.turn import area_of
from passthru.nix.excerpt import excerpt
from passthru.nix.store_path import HASH_LENGTH, STORE_DIR, StorePath, parse_store_path_hash

if TYPE_CHECKING:
    from collections.abc import Iterable

    from passthru.nix.store_path import StorePathHash

EXAMPLES: Final = "/nix/store/HASH-NAME, HASH, HASH.narinfo, nar/…, log/…, or a URL of one of these"

_OWN: Final = frozenset({"/", "/nix-cache-info", "/health", "/metrics", "/status", "/status.json"})
_NAR_FILE: Final = re.compile(r"[0-9a-z]{32,64}\.nar(?:\.[a-z0-9]+)?")
_NARINFO: Final = re.compile(r"/([0-9a-z]{32})\.(?:narinfo|ls)")


def find_target(text: str, *, store_dir: str = STORE_DIR, bases: Iterable[str] = ()) -> str:
    """Return the path by which clients ask this cache for `text`, from its slash on.

    `bases` are URLs that such a path may follow, with no slash at their ends.
    Raises FormatError for what no cache has, or never stores.
    """
    word = text.strip()
    for directory in (store_dir, STORE_DIR):
        if word.startswith(f"{directory}/"):
            return _narinfo(word.removeprefix(f"{directory}/").partition("/")[0])
    if "://" in word:
        target = _path_of(word, bases)
    else:
        word = word.removeprefix("/")
        if _NAR_FILE.fullmatch(word):
            word = f"nar/{word}"
        elif "/" not in word and "." not in word[: HASH_LENGTH + 1]:
            return _narinfo(word)
        target = f"/{word}"
    if area_of(target) is None:
        if target.partition("?")[0] in _OWN:
            raise FormatError(f"{target} is this cache's own answer, and is never stored")
        raise FormatError(f"{excerpt(text)} is nothing that a cache stores; write {EXAMPLES}")
    return target


def hash_in(target: str) -> StorePathHash | None:
    """Return the hash of the store path that `target` is the narinfo or the listing of."""
    found = _NARINFO.match(target)
    return parse_store_path_hash(found[1]) if found else None


def _narinfo(name: str) -> str:
    """Return the path of the narinfo of `hash-name`, or of a hash alone."""
    if "-" in name:
        return f"/{StorePath.from_base_name(name).hash}.narinfo"
    return f"/{parse_store_path_hash(name)}.narinfo"


def _path_of(url: str, bases: Iterable[str]) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise FormatError(f"{excerpt(url)} is not a URL") from None
    if parts.scheme not in {"http", "https"}:
        raise FormatError(f"{excerpt(url)} is not an http:// or https:// URL")
    for base in sorted(bases, key=len, reverse=True):
        if url.startswith(f"{base}/"):
            return url.removeprefix(base).partition("#")[0]
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
