"""What a cache says of itself in its TXT record, written and read; pure.

`path=/` and `nix-cache=1` are what earlier caches said; the other keys are ours.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

LONGEST_STRING: Final = 255
"""Bytes of one `key=value` (RFC 6763, section 6.1)."""

MOST_BYTES: Final = 900
"""Of all of them: with the other records they have to fit into one packet (section 6.2)."""

MOST_KEYS: Final = 8
LONGEST_TEXT: Final = 200
HIGHEST_PRIORITY: Final = 1000

_ID: Final = re.compile(r"[0-9a-f]{8,32}")
_KEY: Final = re.compile(r"[A-Za-z0-9._+-]{1,128}:[A-Za-z0-9+/]{43}=")
_STORE: Final = re.compile(r"/[\w.+/-]{1,100}", re.ASCII)
_VERSION: Final = re.compile(r"[\w.+-]{1,40}", re.ASCII)
_URL: Final = re.compile(r"https://[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?(:[0-9]{1,5})?", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]{1,4}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a TXT record says; None and () for what it does not say, or says wrongly."""

    is_cache: bool = False
    """Whether it calls itself a Nix cache."""

    identity: str | None = None
    priority: int | None = None
    version: str | None = None
    store_dir: str | None = None
    keys: tuple[str, ...] = ()
    shares: bool = False
    """Whether it shares the work of a site with others that say so."""

    url: str | None = None
    """An https URL by which the certificate knows it."""


def write_txt(told: Told) -> dict[str, str]:
    """Return the keys and values of a TXT record; keys that do not all fit are left out."""
    values = {"path": "/", "nix-cache": "1"}
    optional = {
        "priority": None if told.priority is None else str(told.priority),
        "version": told.version,
        "store": told.store_dir,
        "id": told.identity,
        "peers": "1" if told.shares else None,
        "url": told.url,
        "keys": " ".join(told.keys),
    }
    size = sum(len(key) + len(value) + 2 for key, value in values.items())
    for key, value in optional.items():
        length = len(f"{key}={value}".encode())
        if value and length <= LONGEST_STRING and size + length + 1 <= MOST_BYTES:
            values[key] = value
            size += length + 1
    return values


def read_txt(pairs: Mapping[bytes, bytes | None]) -> Told:
    """Read a TXT record from anybody; what is not as it should be counts as not said."""
    values: dict[str, str] = {}
    for key, value in list(pairs.items())[:64]:
        if value is None or len(key) + len(value) > LONGEST_STRING:
            continue
        try:
            values.setdefault(key.decode("ascii").lower(), value.decode("ascii"))
        except UnicodeDecodeError:
            continue
    number = values.get("priority", "")
    priority = int(number) if _NUMBER.fullmatch(number) else None
    return Told(
        is_cache=values.get("nix-cache") == "1",
        identity=_matching(_ID, values.get("id")),
        priority=priority if priority is not None and priority <= HIGHEST_PRIORITY else None,
        version=_matching(_VERSION, values.get("version")),
        store_dir=_matching(_STORE, values.get("store")),
        shares=values.get("peers") == "1",
        keys=read_keys(values.get("keys", "").split(" ")),
        url=_matching(_URL, values.get("url")),
    )


def read_keys(words: Iterable[str]) -> tuple[str, ...]:
    """Return the words that are public keys, each once, and not more than MOST_KEYS."""
    return tuple(dict.fromkeys(word for word in words if _KEY.fullmatch(word)))[:MOST_KEYS]


def clean(text: str) -> str:
    """Return a name from the network as it may be shown: printable, on one line, not too long."""
    shown = "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )
    return shown[:LONGEST_TEXT].strip() or "?"


def _matching(pattern: re.Pattern[str], value: str | None) -> str | None:
    return value if value is not None and pattern.fullmatch(value) else None
