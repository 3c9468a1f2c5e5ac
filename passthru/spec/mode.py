"""The choices of which exactly one holds."""

from enum import StrEnum


class Mode(StrEnum):
    """Whom the cache serves."""

    LOCAL = "local"
    LAN = "lan"
    TLS = "tls"


class OnOutage(StrEnum):
    """What a client hears while an upstream that might have the path cannot be asked."""

    ERROR = "error"
    MISS = "miss"
