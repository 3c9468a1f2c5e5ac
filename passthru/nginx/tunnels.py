"""The upstreams behind a proxy, and where they may lead, as `passthru tunnel` is told of them; pure.

nginx speaks to a unix socket, and what listens there leads through the proxy. The list holds the
passwords of proxies, and is the only file of a rendering that does.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from passthru.nginx.elsewhere import behind_proxy
from passthru.nginx.site import Site, check_socket
from passthru.spec import Spec, Upstream

TUNNELS: Final = "tunnels.json"
"""The name of the list among the files of a rendering."""


@dataclass(frozen=True, slots=True)
class TunnelPlan:
    """One host behind a proxy: an upstream's own, or one that it may lead to."""

    name: str
    """That of the upstream, and the host if that is not the upstream's."""

    socket: str
    host: str
    port: int
    connect_timeout: int
    """Seconds."""
    proxy: str = field(repr=False)


def plan_tunnels(spec: Spec, site: Site) -> tuple[TunnelPlan, ...]:
    """Return the tunnels that a spec needs; raises RenderError."""
    return tuple(
        TunnelPlan(
            name=name,
            socket=_checked(socket, index),
            host=host,
            port=port,
            connect_timeout=upstream.connect_timeout,
            proxy=upstream.proxy,
        )
        for index, upstream in enumerate(spec.upstreams)
        if upstream.proxy is not None
        for name, socket, host, port in _ends(upstream, site)
    )


def _ends(upstream: Upstream, site: Site) -> Iterator[tuple[str, str, str, int]]:
    """Yield name, socket, host and port of an upstream's tunnel, and of those to where it may lead."""
    yield upstream.name, site.tunnel(upstream.name), upstream.host, upstream.port
    for there in behind_proxy(upstream, site):
        yield f"{upstream.name}, {there.authority}", there.socket, there.host, there.port


def write_tunnels(tunnels: Iterable[TunnelPlan]) -> str:
    """Return the text of the list."""
    records = [
        {
            "name": tunnel.name,
            "socket": tunnel.socket,
            "proxy": tunnel.proxy,
            "host": tunnel.host,
            "port": tunnel.port,
            "connect_timeout": tunnel.connect_timeout,
        }
        for tunnel in tunnels
    ]
    return json.dumps(records, indent=2) + "\n"


def _checked(path: str, index: int) -> str:
    check_socket(
        path,
        f"upstreams[{index}].proxy: the path of its unix socket",
        hint="set runtime_directory to a shorter path, or give the upstream a shorter name",
    )
    return path
