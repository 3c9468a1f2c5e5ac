"""Where clients reach a cache: its sockets, its name and its address."""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from passthru.errors import RenderError
from passthru.nginx.machine import Machine
from passthru.spec import Mode, Spec

_LOOPBACK: Final = ("127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Listen:
    """One socket address, as nginx writes it."""

    address: str
    tls: bool = False

    @property
    def port(self) -> int:
        """The TCP port."""
        return int(self.address.rpartition(":")[2])


def host_name_of(spec: Spec, machine: Machine) -> str:
    """Return the name clients call this cache by."""
    if spec.host_name:
        return spec.host_name
    match spec.mode:
        case Mode.LOCAL:
            return "localhost"
        case Mode.LAN:
            return f"{machine.name}.local"
        case Mode.TLS:
            return machine.name


def address_of(spec: Spec, machine: Machine) -> str:
    """Return the URL to give to clients, without a trailing slash."""
    port = _port(spec)
    host = host_name_of(spec, machine)
    if spec.mode is Mode.TLS:
        tls_port = spec.listen.tls_port or 443
        return f"https://{host}" + ("" if tls_port == 443 else f":{tls_port}")  # noqa: PLR2004 - the scheme's own
    if spec.mode is Mode.LOCAL and not spec.host_name:
        host = _first_address(spec)
    return f"http://{host}" + ("" if port == 80 else f":{port}")  # noqa: PLR2004 - the scheme's own


def _first_address(spec: Spec) -> str:
    """Return where a cache without a name listens, as a URL writes it."""
    first = next((a for a in spec.listen.addresses or () if a != "*"), _LOOPBACK[0])
    return f"[{first}]" if ":" in first else first


def _port(spec: Spec) -> int:
    return spec.listen.port or (8080 if spec.mode is Mode.LOCAL else 80)


def make_listens(spec: Spec, machine: Machine) -> tuple[tuple[Listen, ...], tuple[Listen, ...]]:
    """Return the sockets that serve, and those that only redirect."""
    addresses = spec.listen.addresses or (_LOOPBACK if spec.mode is Mode.LOCAL else ("*",))
    hosts = [host for address in addresses for host in _hosts(address, machine)]
    if not hosts:
        raise RenderError(
            "listen.addresses has IPv6 addresses only, and this machine has no IPv6",
            hint='write addresses = ["*"]',
        )
    plain = tuple(Listen(f"{host}:{_port(spec)}") for host in hosts)
    if spec.mode is not Mode.TLS:
        return plain, ()
    tls_port = spec.listen.tls_port or 443
    return tuple(Listen(f"{host}:{tls_port}", tls=True) for host in hosts), plain


def _hosts(address: str, machine: Machine) -> tuple[str, ...]:
    if address == "*":
        return ("*", "[::]") if machine.ipv6 else ("*",)
    if ip_address(address.partition("%")[0]).version == 4:  # noqa: PLR2004 - IPv4
        return (address,)
    return (f"[{address}]",) if machine.ipv6 else ()


def is_loopback(listen: Listen) -> bool:
    """Tell whether only this machine can reach it."""
    host = listen.address.rpartition(":")[0].strip("[]")
    return host != "*" and ip_address(host.partition("%")[0]).is_loopback
