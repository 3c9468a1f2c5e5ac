"""What an nginx binary can do, read once from `nginx -V`; templates branch on these names."""

import re
import shlex
from dataclasses import dataclass
from typing import Final

from passthru.errors import NginxError

OLDEST: Final = (1, 22, 0)
"""The oldest nginx that is supported and tested: the one of Debian 12."""

_VERSION: Final = re.compile(r"^nginx version: \S+?/(\d+)\.(\d+)\.(\d+)", re.MULTILINE)
_ARGUMENTS: Final = re.compile(r"^configure arguments:(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Named abilities of one nginx binary."""

    version: str
    """As nginx says it, for people only: nothing may branch on it."""

    tls: bool
    """`listen … ssl` and `proxy_pass https://` (http_ssl_module)."""

    http2: bool
    """HTTP/2 to clients (http_v2_module)."""

    http2_directive: bool
    """`http2 on;` in place of `listen … http2` (nginx 1.25.1)."""

    upstream_resolve: bool
    """`server NAME resolve` in an upstream block, which needs its `zone` (nginx 1.27.3)."""

    slice: bool
    """Filling large files piece by piece (http_slice_module; not in nixpkgs' default build)."""

    sub: bool
    """Replacing text in answers (http_sub_module)."""

    limit_conn: bool
    """Counting the requests for one thing (http_limit_conn_module)."""

    stub_status: bool
    """Its own figures, as text (http_stub_status_module)."""

    pcre_jit: bool
    """Regular expressions compiled to machine code (`pcre_jit on`)."""

    fastcgi: bool
    scgi: bool
    uwsgi: bool
    """Modules we do not use, whose temporary directories we must move when they are there."""


def parse_capabilities(text: str) -> Capabilities:
    """Read what `nginx -V` prints; raises NginxError if it is not nginx, or too old."""
    found = _VERSION.search(text)
    if found is None:
        raise NginxError(
            "this does not look like the output of `nginx -V`",
            lines=tuple(text.splitlines()[:3]),
            hint="give the path of an nginx binary in PASSTHRU_NGINX",
        )
    version = (int(found[1]), int(found[2]), int(found[3]))
    words = _configure_words(text)
    if version < OLDEST:
        raise NginxError(
            f"nginx {_dotted(version)} is too old: passthru needs {_dotted(OLDEST)} or later",
            hint="install a newer nginx, or name one in PASSTHRU_NGINX",
        )
    for flag, what in (
        ("--without-http_proxy_module", "proxying"),
        ("--without-http-cache", "caching"),
        ("--without-http_rewrite_module", "regular expressions"),
    ):
        if flag in words:
            raise NginxError(
                f"this nginx was built {flag.removeprefix('--')}: it has no {what}",
                hint="install the distribution's nginx, or name another in PASSTHRU_NGINX",
            )
    return Capabilities(
        version=_dotted(version),
        tls="--with-http_ssl_module" in words,
        http2="--with-http_v2_module" in words,
        http2_directive="--with-http_v2_module" in words and version >= (1, 25, 1),
        upstream_resolve=version >= (1, 27, 3)
        and "--without-http_upstream_zone_module" not in words,
        slice="--with-http_slice_module" in words,
        sub="--with-http_sub_module" in words,
        limit_conn="--without-http_limit_conn_module" not in words,
        stub_status="--with-http_stub_status_module" in words,
        pcre_jit="--with-pcre-jit" in words,
        fastcgi="--without-http_fastcgi_module" not in words,
        scgi="--without-http_scgi_module" not in words,
        uwsgi="--without-http_uwsgi_module" not in words,
    )


def _configure_words(text: str) -> frozenset[str]:
    found = _ARGUMENTS.search(text)
    if found is None:
        return frozenset()
    try:
        return frozenset(shlex.split(found[1]))
    except ValueError:  # an unbalanced quote in somebody's --with-cc-opt
        return frozenset(found[1].split())


def _dotted(version: tuple[int, int, int]) -> str:
    return ".".join(str(part) for part in version)
