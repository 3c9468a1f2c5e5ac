"""What a sidecar is to do, as the file `lan.json` of a rendering tells it."""

import json
from dataclasses import dataclass
from typing import Any, Self

from passthru.errors import FormatError, PassthruError
from passthru.lan.announcement import TTL, Announcement
from passthru.lan.following import Following
from passthru.lan.record import Told


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One instance's part on the LAN."""

    announcement: Announcement | None = None
    """Without an identity, which is not the rendering's."""

    following: Following | None = None
    interfaces: tuple[str, ...] = ()
    listening: tuple[str, ...] = ()

    @property
    def is_needed(self) -> bool:
        """Whether anything is announced, or anybody listened for."""
        return self.announcement is not None or self.following is not None

    @classmethod
    def parse(cls, record: dict[str, Any]) -> Self:
        """Read the record; raises KeyError, TypeError and ValueError."""
        announce, follow = record["announce"], record.get("follow")
        return cls(
            announcement=None if announce is None else _announcement(announce),
            following=None if follow is None else Following.parse(follow),
            interfaces=_texts(record["interfaces"]),
            listening=_texts(record["listening"]),
        )


def parse_assignment(text: str) -> Assignment:
    """Read a lan.json, which passthru renders; raises PassthruError."""
    try:
        return Assignment.parse(json.loads(text))
    except (KeyError, TypeError, ValueError, AttributeError, FormatError):
        raise PassthruError("lan.json is not one that passthru made") from None


def _announcement(record: dict[str, Any]) -> Announcement:
    priority = record["priority"]
    url = record["url"]
    return Announcement(
        name=str(record["name"]),
        host=str(record["host"]),
        port=int(record["port"]),
        types=_texts(record["types"]),
        ttl=int(record.get("ttl", TTL)),
        told=Told(
            is_cache=True,
            priority=int(priority),
            version=str(record["version"]),
            store_dir=str(record["store_dir"]),
            keys=_texts(record["keys"]),
            url=None if url is None else str(url),
            shares=bool(record.get("shares")),
        ),
    )


def _texts(values: list[Any]) -> tuple[str, ...]:
    return tuple(map(str, values))
