"""Which requests exist, as regular expressions over the request line; all others are refused.

They are matched against nginx's `$request_uri`, the target as the client wrote it. What passes is
therefore canonical already (no dot segments, no empty segments, no encoded slash, dot or control
character), so that the path a location matches, the key an answer is cached under and the path an
upstream receives are one and the same.

The paths are those of Nix's HTTP binary cache store (src/libstore/http-binary-cache-store.cc and
binary-cache-store.cc) from 2.3 to 2.35. A narinfo's `URL:` is opaque to clients, so a NAR's name
may be anything tidy, and only there a query string is part of the name.
"""

from typing import Final

HASH: Final = "[0-9a-df-np-sv-z]{32}"
"""The hash of a store path: 32 digits of Nix's base 32, which lacks e, o, u and t."""

_SEGMENT: Final = r"[\w~=+%-][\w.~!*+,=:@&()%-]*+"
"""A segment of an opaque path: it does not begin with a dot, and word characters are ASCII."""

LONGEST: Final = 2000
"""The longest target that is looked at, in bytes."""

NARINFO: Final = rf"^/{HASH}\.narinfo$"

TOO_LONG: Final = rf"^.{{{LONGEST + 1}}}"

ENCODED: Final = r"^[^?]*(?:%(?:[01]|2[5EFef]|5[Cc]|7[Ff])|/%7[Ee])"
"""Encoded control characters, and an encoded percent sign, dot, slash or backslash, which another might decode again.

And an encoded tilde where a plain one is our own mark."""

_NAR_NAME: Final = rf"(?:/{_SEGMENT})++(?:\?(?:[\w.~!*+,=:@&/?()-]|%[0-9A-Fa-f]{{2}})*+)?"

NAR: Final = rf"^/nar(?!(?:/~[^/?]++)?+/~(?![^/?])){_NAR_NAME}$"

PLAIN_NAR: Final = (
    r"^/nar/(?:~[a-z0-9-]++/)?[0-9a-z]{52}\.nar(?:\.[a-z0-9]{2,4})?(?:\?hash=[0-9a-z]{32})?$"
)
"""What nearly every NAR is called: a part of NAR, looked at first, as hits of them are many."""

_AUTHORITY: Final = r"(?:[A-Za-z0-9._-]++|\[[0-9A-Fa-f:.]++\])(?::[0-9]{1,5})?"

NAR_ELSEWHERE: Final = rf"^/nar/~[a-z0-9-]++/~/https?/{_AUTHORITY}{_NAR_NAME}$"
"""A NAR whose narinfo had an absolute `URL:`; the upstream that gave it is named, and may lead there."""

METADATA: Final = (
    rf"^/{HASH}\.ls(?:\.xz)?$",
    rf"^/log/(?=[^/]+\.drv$){HASH}-{_SEGMENT}$",
    rf"^/(?:realisations|debuginfo)/{_SEGMENT}$",
    rf"^/build-trace-v2(?:/{_SEGMENT})++$",
)

OWN: Final = r"^/(?:nix-cache-info|health)?(?:\?|$)"
"""What nginx answers by itself; a query string is harmless there."""

STATIC: Final = r"[a-z0-9][a-z0-9-]*\.[a-z0-9]{1,8}"
"""The name of a style sheet or a script of the status page."""


def status_paths(path: str) -> str:
    """Return what the exporter answers, with its page at `path`: a query string is harmless there."""
    return rf"^(?:/metrics|{path}(?:\.json|/static/{STATIC})?)(?:\?|$)"
