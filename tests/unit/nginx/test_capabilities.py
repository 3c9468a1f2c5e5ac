"""What `nginx -V` tells."""

from pathlib import Path
from typing import Final

import pytest

from passthru.errors import NginxError
from passthru.nginx.capabilities import parse_capabilities

KEPT: Final = Path(__file__).parents[2] / "golden" / "nginx-V"


def told(version: str, arguments: str = "--with-http_ssl_module") -> str:
    """Return what an nginx of `version` would print."""
    return f"nginx version: nginx/{version}\nTLS SNI support enabled\nconfigure arguments: {arguments}\n"


def test_debian_12() -> None:
    """Debian's 1.22 has slices and HTTP/2 on the listen line, and resolves names once."""
    found = parse_capabilities((KEPT / "debian-12.txt").read_text())

    assert found.version == "1.22.1"
    assert (found.tls, found.http2, found.slice, found.pcre_jit) == (True, True, True, True)
    assert (found.http2_directive, found.upstream_resolve) == (False, False)
    assert (found.fastcgi, found.scgi, found.uwsgi) == (True, True, True)


def test_nginx_1_30() -> None:
    """Nginx 1.30 has `http2 on` and resolves names again and again."""
    found = parse_capabilities((KEPT / "nginx-1.30.txt").read_text())

    assert found.version.startswith("1.30.")
    assert (found.http2_directive, found.upstream_resolve) == (True, True)


@pytest.mark.parametrize(
    ("version", "http2_directive", "upstream_resolve"),
    [
        ("1.22.0", False, False),
        ("1.25.0", False, False),
        ("1.25.1", True, False),
        ("1.27.2", True, False),
        ("1.27.3", True, True),
        ("1.30.6", True, True),
        ("2.0.0", True, True),
    ],
)
def test_abilities_come_with_versions(
    version: str, *, http2_directive: bool, upstream_resolve: bool
) -> None:
    """Each ability begins exactly where nginx's CHANGES says."""
    found = parse_capabilities(told(version, "--with-http_ssl_module --with-http_v2_module"))

    assert (found.http2_directive, found.upstream_resolve) == (http2_directive, upstream_resolve)


def test_what_was_left_out_of_the_build_is_not_there() -> None:
    """Modules count by their flags, also among quoted compiler options."""
    found = parse_capabilities(
        told(
            "1.30.0",
            "--with-cc-opt='-O2 --with-http_slice_module' --without-http_fastcgi_module"
            " --without-http_scgi_module --without-http_uwsgi_module"
            " --without-http_upstream_zone_module",
        )
    )

    assert not any((found.tls, found.http2, found.slice, found.fastcgi, found.scgi, found.uwsgi))
    assert not found.upstream_resolve


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "does not look like"),
        ("apache/2.4", "does not look like"),
        (told("1.18.0"), "too old"),
        (told("1.22.1", "--without-http-cache"), "no caching"),
        (told("1.22.1", "--without-http_proxy_module"), "no proxying"),
        (told("1.22.1", "--without-http_rewrite_module"), "no regular expressions"),
    ],
)
def test_unusable(text: str, message: str) -> None:
    """What cannot serve is refused with a word on what to do."""
    with pytest.raises(NginxError, match=message) as caught:
        parse_capabilities(text)

    assert caught.value.hint


def test_other_builds_of_nginx_count() -> None:
    """A fork keeps the version line under its own name."""
    assert parse_capabilities("nginx version: openresty/1.27.1.2\n").version == "1.27.1"
