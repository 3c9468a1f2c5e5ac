"""Fetch a closure through a cache as Nix would, and believe nothing."""

import http.client
import lzma
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from passthru.errors import PassthruError
from passthru.nix.hashes import sha256
from passthru.nix.keys import PublicKey
from passthru.nix.narinfo import NarInfo
from passthru.nix.narinfo_reader import parse_narinfo
from passthru.nix.signatures import verify_narinfo
from passthru.nix.store_path import StorePath

_PATIENCE: Final = 30
_OK: Final = 200


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came of fetching a closure."""

    paths: int
    requests: int
    bytes: int
    statuses: Mapping[str, int]
    """How often each X-Cache-Status was seen; an answer without one counts as "none"."""


def fetch_closure(
    url: str, top: StorePath, key: PublicKey, *, on_path: Callable[[], None] = lambda: None
) -> Fetched:
    """Fetch `top` and all it refers to from the cache at `url`; `on_path` is called after each.

    Raises PassthruError unless `key` signed every narinfo and every NAR is what its narinfo says,
    FormatError for a narinfo that is none.
    """
    tally = _Tally(url)
    waiting, known = [top], {top}
    try:
        while waiting:
            path = waiting.pop()
            info = parse_narinfo(tally.get(f"{path.hash}.narinfo"))
            _check_narinfo(info, path, key)
            _check_nar(info, tally.get(info.url))
            new = set(info.references) - known
            known |= new
            waiting.extend(sorted(new))
            on_path()
    finally:
        tally.connection.close()
    return Fetched(len(known), tally.requests, tally.bytes, dict(tally.statuses))


class _Tally:
    """One connection, and what came over it."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.connection = http.client.HTTPConnection(parts.netloc, timeout=_PATIENCE)
        self.base = parts.path.rstrip("/")
        self.requests = 0
        self.bytes = 0
        self.statuses: Counter[str] = Counter()

    def get(self, name: str) -> bytes:
        """Return a file of the cache; raises PassthruError for anything but a 200."""
        try:
            self.connection.request("GET", f"{self.base}/{name}")
            answer = self.connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as fault:
            raise PassthruError(f"/{name} was not answered: {fault}") from fault
        if answer.status != _OK:
            told = body[:200].decode(errors="replace").strip()
            raise PassthruError(f"/{name} was answered with {answer.status}: {told}")
        self.requests += 1
        self.bytes += len(body)
        self.statuses[answer.headers.get("X-Cache-Status", "none")] += 1
        return body


def _check_narinfo(info: NarInfo, path: StorePath, key: PublicKey) -> None:
    if info.store_path.hash != path.hash:
        raise PassthruError(f"the narinfo of {path} is that of {info.store_path}")
    if not verify_narinfo(info, (key,)):
        raise PassthruError(f"the narinfo of {path} is not signed by {key.name}")


def _check_nar(info: NarInfo, file: bytes) -> None:
    match info.compression:
        case "none":
            nar = file
        case "xz":
            nar = _decompress(info.url, file)
        case other:
            raise PassthruError(f"{info.url} is compressed by {other}, which is not known here")
    if len(nar) != info.nar_size or sha256(nar) != info.nar_hash:
        raise PassthruError(f"{info.url} is not the NAR that its narinfo describes")


def _decompress(name: str, file: bytes) -> bytes:
    try:
        return lzma.decompress(file)
    except lzma.LZMAError as fault:
        raise PassthruError(f"{name} is damaged: {fault}") from fault
