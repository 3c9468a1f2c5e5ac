"""The hosts that an upstream may lead to beside its own, and the way to each; pure."""

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from passthru.nginx.site import Site
from passthru.spec import Upstream
from passthru.spec.address import split_redirect_host

_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """One host behind the proxy of an upstream, by one scheme."""

    upstream: str
    scheme: str
    host: str
    port: int
    socket: str
    """The unix socket of the tunnel that leads there."""

    pattern: str
    """A regular expression of the URLs there, up to their path."""

    @property
    def block(self) -> str:
        """The name of the nginx upstream block; no upstream's name has an underscore."""
        return f"passthru_{self.upstream}_{self._digits}"

    @property
    def authority(self) -> str:
        """Host and port, for people."""
        return f"{self.host}:{self.port}"

    @property
    def _digits(self) -> str:
        return _digits(self.scheme, self.host, self.port)


def behind_proxy(upstream: Upstream, site: Site) -> tuple[Elsewhere, ...]:
    """Return the ways to the whole names among `redirect_hosts`; none without a proxy."""
    if upstream.proxy is None:
        return ()
    found: dict[str, Elsewhere] = {}
    for text in upstream.redirect_hosts:
        name, given = split_redirect_host(text)
        for scheme in _schemes(upstream):
            port = given or _PORTS[scheme]
            if "*" not in name:
                socket = site.tunnel(f"{upstream.name}.{_digits(scheme, name, port)}")
                pattern = _pattern(scheme, re.escape(name), port)
                found[socket] = Elsewhere(upstream.name, scheme, name, port, socket, pattern)
    return tuple(found.values())


def redirect_patterns(upstream: Upstream) -> tuple[str, ...]:
    """Return expressions of the URLs that `redirect_hosts` allow, up to the slash of their path."""
    return tuple(
        f"{_pattern(scheme, _name(name), port or (_PORTS[scheme] if upstream.proxy else None))}/"
        for name, port in map(split_redirect_host, upstream.redirect_hosts)
        for scheme in _schemes(upstream)
    )


def _schemes(upstream: Upstream) -> tuple[str, ...]:
    """From TLS it goes only to TLS."""
    return ("https",) if upstream.scheme == "https" else ("http", "https")


def _name(host: str) -> str:
    name = re.escape(host.removeprefix("*."))
    return rf"[a-z0-9.-]*[a-z0-9-]\.{name}" if host.startswith("*.") else name


def _pattern(scheme: str, name: str, port: int | None) -> str:
    if port is None:
        place = "(?::[0-9]+)?"
    else:
        place = f"(?::{port})?" if port == _PORTS[scheme] else f":{port}"
    return f"^{scheme}://{name}{place}"


def _digits(scheme: str, host: str, port: int) -> str:
    """Eight that tell one way from another, whatever stands before it in the spec."""
    return sha256(f"{scheme}://{host}:{port}".encode()).hexdigest()[:8]
