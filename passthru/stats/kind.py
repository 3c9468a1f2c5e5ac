"""The closed sets that requests are sorted into; no value ever comes from a request itself."""

from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What was asked for."""

    NARINFO = "narinfo"
    NAR = "nar"
    LS = "ls"
    LOG = "log"
    REALISATION = "realisation"
    CACHE_INFO = "cache_info"
    OTHER = "other"


class CacheStatus(StrEnum):
    """What nginx's cache had for it; NONE where nginx answered without looking."""

    HIT = "hit"
    MISS = "miss"
    EXPIRED = "expired"
    STALE = "stale"
    UPDATING = "updating"
    REVALIDATED = "revalidated"
    BYPASS = "bypass"
    NONE = "none"


class Outcome(StrEnum):
    """How an upstream answered when it was asked."""

    OK = "ok"
    NOT_FOUND = "not_found"
    ERROR = "error"
    TIMEOUT = "timeout"


FROM_CACHE: Final = frozenset(
    {CacheStatus.HIT, CacheStatus.STALE, CacheStatus.UPDATING, CacheStatus.REVALIDATED}
)
"""The statuses whose body came from our disk: a hit, for the ratio that people read."""
