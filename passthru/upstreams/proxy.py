"""The address of a proxy, taken from the URL that a spec holds."""

from base64 import b64encode
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Self
from urllib.parse import unquote_to_bytes, urlsplit

from typing_extensions import override

from passthru.errors import ProxyError

_LONGEST: Final = 255
"""Bytes that a user name or a password may have in SOCKS (RFC 1929)."""


class Scheme(StrEnum):
    """How a proxy is spoken to; with SOCKS5H it looks names up, with SOCKS5 we do."""

    HTTP = "http"
    SOCKS5 = "socks5"
    SOCKS5H = "socks5h"


@dataclass(frozen=True, slots=True)
class ProxyAddress:
    """Where a proxy is and who we are to it; neither its `str` nor its `repr` tells the password."""

    scheme: Scheme
    host: str
    """A name, or an address without brackets."""
    port: int
    user: bytes | None = field(default=None, repr=False)
    password: bytes = field(default=b"", repr=False)

    @classmethod
    def parse(cls, url: str) -> Self:
        """Take apart what `passthru.spec` made of a proxy's URL.

        Raises ProxyError, without any part of the URL, for credentials that its protocol cannot send.
        """
        parts = urlsplit(url)
        if parts.hostname is None or parts.port is None:
            raise ProxyError("a proxy has no host, or no port")
        user, password = (
            None if text is None else unquote_to_bytes(text)
            for text in (parts.username, parts.password)
        )
        made = cls(Scheme(parts.scheme), parts.hostname, parts.port, user, password or b"")
        made._check()
        return made

    @override
    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def basic(self) -> str | None:
        """The value of a Proxy-Authorization header (RFC 7617), or None."""
        if self.user is None:
            return None
        return f"Basic {b64encode(self.user + b':' + self.password).decode()}"

    def _check(self) -> None:
        if self.user is None:
            return
        if self.scheme is Scheme.HTTP:
            if b":" in self.user:
                raise ProxyError(f"{self}: a user name for an HTTP proxy cannot hold a colon")
        elif not 1 <= len(self.user) <= _LONGEST or len(self.password) > _LONGEST:
            raise ProxyError(
                f"{self}: a user name for SOCKS has from 1 to {_LONGEST} bytes,"
                f" and a password {_LONGEST} at most"
            )
