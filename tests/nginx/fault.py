"""What a test origin holds, what it does wrong, and what it was asked: plain values."""

import mimetypes
import re
from dataclasses import dataclass
from email.utils import formatdate
from enum import StrEnum
from hashlib import sha256
from typing import Final

_TYPES: Final = {
    ".narinfo": "text/x-nix-narinfo",
    ".nar": "application/x-nix-nar",
    ".ls": "application/json",
    ".doi": "application/json",
}


class Framing(StrEnum):
    """How the end of a body is told."""

    LENGTH = "length"
    CHUNKED = "chunked"
    CLOSE = "close"


class Ranges(StrEnum):
    """How an origin treats `Range`."""

    HONOURED = "honoured"
    UNANNOUNCED = "unannounced"  # honoured, but no Accept-Ranges
    IGNORED = "ignored"  # always 200 and the whole, no Accept-Ranges


@dataclass(frozen=True, slots=True)
class File:
    """One thing an origin serves; `headers` come on top of, or instead of, the usual ones."""

    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    modified: float = 1_700_000_000.0

    @property
    def etag(self) -> str:
        """Return a strong validator of the body."""
        return f'"{sha256(self.body).hexdigest()[:16]}"'

    @property
    def last_modified(self) -> str:
        """Return the time of change as HTTP writes it."""
        return formatdate(self.modified, usegmt=True)


@dataclass(frozen=True, slots=True)
class Fault:
    """What to do wrong, for requests whose path (with its query) `path` is found in.

    All fields combine: `Fault(cut=400, framing=Framing.CLOSE)` is a body without a length that
    ends after 400 bytes.
    The first fault that matches is the one that applies.
    """

    path: str = ""
    method: str | None = None
    times: int | None = None
    """How many requests it applies to; None: all."""
    status: int | None = None
    """Answer with this code; the body is then `body`, or the code as text."""
    headers: tuple[tuple[str, str], ...] = ()
    """Extra headers; they replace usual ones of the same name."""
    without: tuple[str, ...] = ()
    """Names of usual headers to leave out."""
    body: bytes | None = None
    raw: bytes | None = None
    """Answer with just these bytes, be they HTTP or not, and hang up."""
    silent: bool = False
    """Read the request and never answer."""
    delay: float = 0.0
    """Seconds before the first byte of the answer."""
    cut: int | None = None
    """Close the connection after this many bytes of the body."""
    reset: int | None = None
    """Likewise, by RST; -1: before the status line."""
    stall: int | None = None
    """Send this many bytes of the body, then nothing more."""
    drip: int | None = None
    """Bytes per second."""
    corrupt: bool = False
    """Flip four bytes in the middle."""
    short: int | None = None
    """Leave out what follows this many bytes, with a Content-Length that agrees."""
    gzip: bool = False
    """Encode the body, and say so, whatever was asked for."""
    framing: Framing = Framing.LENGTH
    ranges: Ranges = Ranges.HONOURED

    def matches(self, method: str, path: str) -> bool:
        """Tell whether a request is one that this fault is for."""
        return self.method in (None, method) and re.search(self.path, path) is not None


@dataclass(frozen=True, slots=True)
class Request:
    """One request as an origin read it; header names in lower case, repeated ones joined."""

    time: float
    """Seconds of the monotonic clock, when the request was whole."""
    connection: int
    method: str
    path: str
    """As on the request line, query and all."""
    version: str
    headers: dict[str, str]
    status: int
    """What was answered; 0 when nothing was."""
    sni: str | None = None
    """The name asked for in the TLS handshake."""
    resumed: bool = False
    """Whether that handshake resumed an earlier session."""
    body: int = 0
    """Bytes of request body read."""


def content_type(path: str) -> str:
    """Guess a media type from the ending of `path`."""
    name = path.partition("?")[0]
    if name.startswith("/nar/"):
        return "application/x-nix-nar"
    suffix = name[name.rfind(".") :] if "." in name else ""
    return _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
