"""URLs of upstreams and of proxies, taken apart by a grammar narrower than RFC 3986."""

import re
from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import unquote_to_bytes

from pydantic import AfterValidator, BeforeValidator

from passthru.spec.address import check_url_host, is_address
from passthru.spec.fault import BadValueError
from passthru.spec.kind import Kind
from passthru.spec.number import HIGHEST_PORT
from passthru.spec.text import Text

UPSTREAM_PORTS: Final = {"http": 80, "https": 443}
PROXY_PORTS: Final = {"http": 80, "socks5": 1080, "socks5h": 1080}
LONGEST_SOCKS_WORD: Final = 255

_URL: Final = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?]*)(?P<path>/[^?]*)?(?P<query>\?.*)?"
)
_PORT: Final = re.compile(r"[0-9]{1,5}", re.ASCII)
_PATH: Final = re.compile(r"(?:/[A-Za-z0-9._~-]+)*")
# RFC 3986's userinfo, without what no text of a spec may hold.
_CREDENTIALS: Final = re.compile(r"(?:[A-Za-z0-9._~!&()*+,=:-]|%[0-9A-Fa-f]{2})+")


@dataclass(frozen=True, slots=True)
class Url:
    """A URL in its parts, the defaults filled in."""

    scheme: str
    credentials: str | None
    host: str
    """A name, or an address without brackets."""
    port: int
    path: str
    """Empty, or from its first slash on, without a last one."""
    query: bool

    @property
    def bracketed(self) -> str:
        """The host as URLs and Host headers write it."""
        return f"[{self.host}]" if ":" in self.host else self.host


def check_upstream_url(text: str) -> str:
    """Return an http(s) URL in its one normal form; raise BadValueError."""
    if "@" in text:
        raise BadValueError(
            'holds credentials, or an "@"',
            "remove them from it, and write the file they are in as credentials_file",
        )
    url = _split(text, UPSTREAM_PORTS, 'write a URL such as "https://cache.nixos.org"')
    if url.query:
        raise BadValueError(
            "holds a query", "remove it from the ? on; the order of the upstreams is their priority"
        )
    if _PATH.fullmatch(url.path) is None:
        raise BadValueError(
            "has a path with other characters than letters, digits, . _ ~ - and single slashes",
            "write the address that nix-cache-info lies below",
        )
    if not {".", ".."}.isdisjoint(url.path.split("/")):
        raise BadValueError('has "." or ".." in its path', "write the path that it leads to")
    if url.path.endswith("/nix-cache-info"):
        raise BadValueError("is the URL of a file", "remove /nix-cache-info from its end")
    if url.scheme == "https" and is_address(url.host):
        raise BadValueError(
            f"has https with the address {url.host}, and nginx verifies names only",
            "write the name in its certificate (/etc/hosts may hold it), or http://",
        )
    port = "" if url.port == UPSTREAM_PORTS[url.scheme] else f":{url.port}"
    return f"{url.scheme}://{url.bracketed}{port}{url.path}"


def check_proxy_url(text: str) -> str:
    """Return a proxy's URL with its port; raise BadValueError, which never shows a password."""
    advice = 'write a URL such as "socks5h://127.0.0.1:1080" or "http://proxy.example.org:3128"'
    # The last "@" counts: whatever is before it may be a secret, and is in no error.
    credentials, at, place = text.partition("://")[2].rpartition("@")
    if at and _CREDENTIALS.fullmatch(credentials) is None:
        raise BadValueError(
            "has a user name or password with characters that must be encoded",
            "percent-encode them: @ is %40, / is %2F, a space is %20",
        )
    url = _split(f"{text.partition('://')[0]}://{place}" if at else text, PROXY_PORTS, advice)
    if url.path or url.query:
        raise BadValueError("is a proxy, and those have no path", advice)
    if at:
        _check_login(url.scheme, credentials)
    return f"{url.scheme}://{credentials}{at}{url.bracketed}:{url.port}"


def _check_login(scheme: str, credentials: str) -> None:
    """Refuse what the proxy's protocol cannot carry (RFC 7617, RFC 1929); raise BadValueError."""
    user, _, password = (unquote_to_bytes(part) for part in credentials.partition(":"))
    if scheme == "http":
        if b":" in user:
            raise BadValueError("has a colon in its user name, which HTTP cannot send", "remove it")
    elif not 1 <= len(user) <= LONGEST_SOCKS_WORD or len(password) > LONGEST_SOCKS_WORD:
        raise BadValueError(
            "has a user name or password that SOCKS cannot send",
            f"a user name has 1 to {LONGEST_SOCKS_WORD} bytes, a password {LONGEST_SOCKS_WORD} at most",
        )


def take_apart(text: str) -> Url:
    """Return the parts of a URL that one of the checks has accepted."""
    return _split(text, UPSTREAM_PORTS | PROXY_PORTS, "")


def _split(text: str, ports: dict[str, int], advice: str) -> Url:
    match = _URL.fullmatch(text)
    if match is None:
        raise BadValueError("is not a URL", advice)
    scheme = match["scheme"].lower()
    if scheme not in ports:
        known = ", ".join(f"{name}://" for name in ports)
        raise BadValueError(f"has a scheme that is not one of {known}", advice)
    credentials, at, place = match["authority"].rpartition("@")
    host, port = _split_place(place, ports[scheme])
    path = match["path"] or ""
    return Url(
        scheme=scheme,
        credentials=credentials if at else None,
        host=check_url_host(host),
        port=port,
        path=path.removesuffix("/"),
        query=match["query"] is not None,
    )


def _split_place(place: str, default: int) -> tuple[str, int]:
    """Return host and port of `host:port`, `[v6]:port` or a host alone."""
    host, colon, port = place.rpartition(":")
    if not colon or place.endswith("]"):
        return place, default
    if ":" in host and not host.startswith("["):
        raise BadValueError(
            "has an IPv6 address without brackets", "write it as http://[2001:db8::1]:8080"
        )
    if not _PORT.fullmatch(port) or not 1 <= int(port) <= HIGHEST_PORT:
        raise BadValueError(
            "has a port that is none", f"write a number from 1 to {HIGHEST_PORT} after the colon"
        )
    return host, int(port)


def _none_if_empty(value: object) -> object:
    return None if value == "" else value


UpstreamUrl = Annotated[Text, AfterValidator(check_upstream_url), Kind("URL")]
ProxyUrl = Annotated[Text, AfterValidator(check_proxy_url), Kind("URL")]
OptionalProxyUrl = Annotated[ProxyUrl | None, BeforeValidator(_none_if_empty)]
"""As 117503445/nix-binary-cache reads it: an empty proxy is none."""
