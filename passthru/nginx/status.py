"""Where the exporter's answers are, and who may see them; pure."""

from dataclasses import dataclass
from typing import Final

from passthru.nginx.site import Site, check_socket
from passthru.spec import Mode, Spec
from passthru.spec.address import is_loopback

THIS_MACHINE: Final = ("127.0.0.0/8", "::1")

PRIVATE: Final = (
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "fc00::/7",
    "fe80::/10",
)
"""The addresses of a LAN (RFC 1918, 3927, 4193, 4291)."""


@dataclass(frozen=True, slots=True)
class StatusPlan:
    """The section [status], resolved."""

    enable: bool
    path: str
    allow: tuple[str, ...]
    paths: bool
    socket: str
    """The exporter's."""


def plan_status(spec: Spec, site: Site, *, local_addresses: tuple[str, ...]) -> StatusPlan:
    """Resolve [status], for a machine whose mode "local" listens on `local_addresses`.

    Raises RenderError if the path of the exporter's socket is too long.
    """
    allow = spec.status.allow
    if allow is None:
        # A container's host, and who is beside it, have addresses of a network of their own.
        in_container = spec.mode is Mode.LOCAL and not all(map(is_loopback, local_addresses))
        is_shown = spec.mode is Mode.LAN or in_container
        allow = THIS_MACHINE + (PRIVATE if is_shown else ())
    if spec.status.enable:
        check_socket(
            site.exporter_socket,
            "the path of the exporter's unix socket",
            hint="set runtime_directory to a shorter path, or write enable = false in [status]",
        )
    return StatusPlan(
        enable=spec.status.enable,
        path=spec.status.path,
        allow=allow,
        paths=spec.status.paths,
        socket=site.exporter_socket,
    )
