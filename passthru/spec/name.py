"""Names: of upstreams, given or made from their URLs, and of the cache on the LAN."""

import re
from hashlib import sha256
from typing import Annotated, Final

from pydantic import AfterValidator

from passthru.spec.address import is_address
from passthru.spec.fault import BadValueError
from passthru.spec.kind import Kind
from passthru.spec.text import Text, shown
from passthru.spec.url import UPSTREAM_PORTS, take_apart

LONGEST: Final = 32

LONGEST_LABEL: Final = 63
"""Bytes of a DNS-SD instance name (RFC 6763, section 4.1.1)."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_OTHERS: Final = re.compile(r"[^a-z0-9]+")
# Registries that sell below a second label: `ac.uk`, `edu.cn`, `com.au`.
_SECOND: Final = frozenset(("ac", "co", "com", "edu", "gov", "net", "org"))
_COUNTRY: Final = 2


def check_name(name: str) -> str:
    """Return the name of an upstream unchanged; raise BadValueError."""
    if _NAME.fullmatch(name) is None:
        slug = _OTHERS.sub("-", name.lower())[:LONGEST].strip("-")
        raise BadValueError(
            f"{shown(name)} is not a name of up to {LONGEST} characters of a-z, 0-9 and -",
            f"write {shown(slug)}" if slug else 'write a name such as "nixos"',
        )
    return name


def make_name(url: str) -> str:
    """Return the name of the upstream at an accepted URL: `https://cache.nixos.org` is `nixos`.

    The same URL always has the same name, whatever stands beside it: files are cached under it.
    """
    parts = take_apart(url)
    labels = [parts.host] if is_address(parts.host) else _telling(parts.host.split("."))
    port = "" if parts.port == UPSTREAM_PORTS[parts.scheme] else str(parts.port)
    words = [word for word in _OTHERS.split("-".join((*labels, port, parts.path)).lower()) if word]
    name = "-".join(words) or "upstream"
    return name if len(name) <= LONGEST else _shortened(words, url)


def check_mdns_name(name: str) -> str:
    """Return a name for the LAN, in which %h is this machine's; raise BadValueError."""
    if not name or name != name.strip():
        raise BadValueError(
            "is empty or has spaces around it", 'write a name such as "Nix cache on %h"'
        )
    if "%" in name.replace("%h", ""):
        raise BadValueError("holds a % that is not %h", "write %h for this machine's name, or no %")
    if len(name.encode()) > LONGEST_LABEL:
        raise BadValueError(f"is longer than {LONGEST_LABEL} bytes", "write a shorter name")
    return name


def _telling(labels: list[str]) -> list[str]:
    """Return the labels of a host name that tell it from others."""
    if len(labels) > _COUNTRY and len(labels[-1]) == _COUNTRY and labels[-2] in _SECOND:
        labels = labels[:-1]
    if len(labels) > 1:
        labels = labels[:-1]
    return labels[1:] if len(labels) > 1 and labels[0] in {"cache", "www"} else labels


def _shortened(words: list[str], url: str) -> str:
    """Return as many whole words as fit before four digits that keep long names apart."""
    digits = sha256(url.encode()).hexdigest()[:4]
    room = LONGEST - len(digits) - 1
    kept = words[0][:room]
    for word in words[1:]:
        if len(kept) + 1 + len(word) > room:
            break
        kept += f"-{word}"
    return f"{kept}-{digits}"


def check_pattern(text: str) -> str:
    """Return a pattern of names unchanged; raise BadValueError."""
    if not text or len(text.encode()) > LONGEST_LABEL:
        raise BadValueError(
            f"is empty or longer than {LONGEST_LABEL} bytes", 'write one such as "Office *"'
        )
    if "[" in text:
        raise BadValueError('holds a "["', "write ? in its place")
    return text


UpstreamName = Annotated[Text, AfterValidator(check_name), Kind("name")]
Pattern = Annotated[Text, AfterValidator(check_pattern), Kind("string")]
MdnsName = Annotated[Text, AfterValidator(check_mdns_name), Kind("string")]
