"""A narinfo's `URL:` as clients are told it, from the one that its upstream wrote and nginx stored; pure.

nginx does it by `sub_filter`, in templates/nginx/server/50-narinfo.j2; a test compares the two.
"""

import re
from typing import Final

PLAIN_HOST: Final = "cache.nixos.org"
"""A cache whose narinfos lead to its own NARs: its are passed on byte for byte while it is first."""

_ABSOLUTE: Final = re.compile(r"(https?)://", re.IGNORECASE)


def handed_out(url: str, name: str, *, first: bool, plain: bool) -> str:
    """Return what becomes of the `URL:` of a narinfo of the upstream `name`.

    `first`: no other is asked before it. `plain`: its host is PLAIN_HOST.
    """
    if first and plain:
        return url
    absolute = None if plain else _ABSOLUTE.match(url)
    if absolute:
        return f"nar/~{name}/~/{absolute[1].lower()}/{url[absolute.end() :]}"
    return re.sub(r"\Anar/(?=~)" if first else r"\Anar/", f"nar/~{name}/", url)
