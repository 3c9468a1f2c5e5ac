"""The upstreams behind a proxy, as `passthru tunnel` is told of them; pure.

nginx speaks to a unix socket, and what listens there leads through the proxy. The list holds the
passwords of proxies, and is the only file of a rendering that does.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from passthru.nginx.site import Site, check_socket
from passthru.spec import Spec

TUNNELS: Final = "tunnels.json"
"""The name of the list among the files of a rendering."""


@dataclass(frozen=True, slots=True)
class TunnelPlan:
    """One upstream behind a proxy."""

    name: str
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
            name=upstream.name,
            socket=_checked(site.tunnel(upstream.name), index),
            host=upstream.host,
            port=upstream.port,
            connect_timeout=upstream.connect_timeout,
            proxy=upstream.proxy,
        )
        for index, upstream in enumerate(spec.upstreams)
        if upstream.proxy is not None
    )


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
