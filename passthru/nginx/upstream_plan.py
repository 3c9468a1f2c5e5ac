"""How one upstream is reached, resolved for one nginx and one machine; pure."""

import re
from dataclasses import dataclass, field
from typing import Final

from passthru.cache.nar_url import PLAIN_HOST
from passthru.errors import RenderError
from passthru.nginx.capabilities import Capabilities
from passthru.nginx.elsewhere import Elsewhere, behind_proxy, redirect_patterns
from passthru.nginx.machine import Machine
from passthru.nginx.site import Site
from passthru.spec import Upstream
from passthru.spec.address import is_address

METADATA_PATIENCE: Final = 4
"""Seconds to wait for an upstream's metadata; a client has a build to get on with."""


@dataclass(frozen=True, slots=True)
class UpstreamPlan:
    """One upstream: how it is reached, and what its answers are stored under. Times in seconds."""

    name: str
    url: str
    scheme: str
    host: str
    authority: str
    """The Host header: host, with the port where it is not the scheme's own."""

    path: str
    servers: tuple[str, ...]
    """Addresses and ports, or the unix socket of a tunnel; empty when none is known yet."""

    tunnelled: bool
    """Whether it is behind a proxy, and nothing may go around that."""

    plain: bool
    """Whether its narinfos never lead to another host."""

    resolve: bool
    """Whether nginx itself looks the one name in `servers` up, again and again."""

    authorized: bool
    """Whether it wants an Authorization header."""

    authorization: str | None = field(repr=False)
    """That header, as far as it is known already."""

    ca_file: str
    elsewhere_ca_file: str
    """Who vouches for the hosts that it may redirect to."""

    rewrites: tuple[tuple[str, str], ...]
    """What a line of its narinfos may begin with, whatever the case, and what that becomes: the first
    of each. `URL:` is outside the signature."""

    own_pattern: str
    """A regular expression of the URLs, up to their path, that lead back to it."""

    redirect_patterns: tuple[str, ...]
    """Regular expressions of the URLs that it may redirect to."""

    elsewhere: tuple[Elsewhere, ...]
    """The hosts among these that are reached through its proxy."""

    connect_timeout: int
    read_timeout: int
    metadata_timeout: int
    spec_key: str

    @property
    def block(self) -> str:
        """The name of the nginx upstream block."""
        return f"passthru_{self.name}"

    @property
    def variable(self) -> str:
        """Its name as a part of a variable's name."""
        return self.name.replace("-", "_")

    @property
    def tls(self) -> bool:
        """Whether it is spoken to over TLS."""
        return self.scheme == "https"


def plan_upstream(
    upstream: Upstream, index: int, capabilities: Capabilities, machine: Machine, site: Site
) -> UpstreamPlan:
    """Resolve the upstream that stands at `index` in the spec."""
    servers, resolve = _servers(upstream, capabilities, machine, site)
    several = resolve or len(servers) > 1
    standard = {"http": 80, "https": 443}[upstream.scheme]
    host = f"[{upstream.host}]" if ":" in upstream.host else upstream.host
    port = f":{upstream.port}" if upstream.port != standard else f"(?::{standard})?"
    own = f"^{upstream.scheme}://{re.escape(host)}{port}"
    return UpstreamPlan(
        name=upstream.name,
        url=upstream.url,
        scheme=upstream.scheme,
        host=upstream.host,
        authority=upstream.authority,
        path=upstream.path,
        servers=servers,
        tunnelled=upstream.proxy is not None,
        plain=upstream.host == PLAIN_HOST,
        resolve=resolve,
        authorized=upstream.credentials_file is not None,
        authorization=_authorization(upstream, index, machine),
        ca_file=upstream.ca_file or machine.ca_bundle,
        elsewhere_ca_file=machine.ca_bundle
        if upstream.redirect_hosts
        else upstream.ca_file or machine.ca_bundle,
        rewrites=_rewrites(upstream, index, capabilities),
        own_pattern=own,
        redirect_patterns=(
            f"{own}/",
            *redirect_patterns(upstream),
        ),
        elsewhere=behind_proxy(upstream, site),
        # Two addresses must fit into the time that the operator gave for one connection.
        connect_timeout=max(1, upstream.connect_timeout // 2)
        if several
        else upstream.connect_timeout,
        read_timeout=upstream.read_timeout,
        metadata_timeout=min(METADATA_PATIENCE, upstream.read_timeout),
        spec_key=f"upstreams[{index}]",
    )


def _rewrites(
    upstream: Upstream, index: int, capabilities: Capabilities
) -> tuple[tuple[str, str], ...]:
    """Let a NAR be asked of the upstream whose narinfo led to it, and of no other."""
    plain = upstream.host == PLAIN_HOST
    if not capabilities.sub or (index == 0 and plain):
        return ()
    mark = "~" if index == 0 else ""
    ours = f"URL: nar/~{upstream.name}/"
    relative = (f"URL: nar/{mark}", f"{ours}{mark}")
    absolute = [(f"URL: {scheme}://", f"{ours}~/{scheme}/") for scheme in ("https", "http")]
    return relative, *([] if plain else absolute)


def _authorization(upstream: Upstream, index: int, machine: Machine) -> str | None:
    if upstream.credentials_file is None:
        return None
    if machine.late is not None:
        return machine.credentials.get(upstream.credentials_file)
    try:
        return machine.credentials[upstream.credentials_file]
    except KeyError:
        raise RenderError(
            f"upstreams[{index}].credentials_file: {upstream.credentials_file} was not read"
        ) from None


def _servers(
    upstream: Upstream, capabilities: Capabilities, machine: Machine, site: Site
) -> tuple[tuple[str, ...], bool]:
    """Return the servers of an upstream, and whether nginx is to resolve the name in them."""
    if upstream.proxy is not None:
        return (f"unix:{site.tunnel(upstream.name)}",), False
    if is_address(upstream.host):
        addresses: tuple[str, ...] = (upstream.host,)
    elif upstream.host in machine.addresses:
        addresses = machine.addresses[upstream.host]
    elif capabilities.upstream_resolve:
        return (f"{upstream.host}:{upstream.port}",), True
    else:
        addresses = ()
    return tuple(
        f"[{address}]:{upstream.port}" if ":" in address else f"{address}:{upstream.port}"
        for address in addresses
    ), False
