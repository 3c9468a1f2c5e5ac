"""Where clients reach a cache: its sockets, its name and its address."""

from dataclasses import dataclass
from ipaddress import ip_address

from passthru.errors import RenderError
from passthru.nginx.machine import Machine
from passthru.spec import Mode, Spec, find_listening
from passthru.spec.address import is_loopback


@dataclass(frozen=True, slots=True)
class Listen:
    """One socket address, as nginx writes it."""

    address: str
    tls: bool = False

    @property
    def port(self) -> int:
        """The TCP port."""
        return int(self.address.rpartition(":")[2])

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        return is_loopback(self.address.rpartition(":")[0].strip("[]"))


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
    listening = find_listening(spec)
    port, tls_port = listening.port, listening.tls_port
    host = host_name_of(spec, machine)
    if tls_port is not None:
        return f"https://{host}" + ("" if tls_port == 443 else f":{tls_port}")  # noqa: PLR2004 - the scheme's own
    if spec.mode is Mode.LOCAL and not spec.host_name:
        host = _first_address(listening.addresses)
    return f"http://{host}" + ("" if port == 80 else f":{port}")  # noqa: PLR2004 - the scheme's own


def _first_address(addresses: tuple[str, ...]) -> str:
    """Return where a cache without a name listens, as a URL writes it."""
    first = next((a for a in addresses if a != "*"), "127.0.0.1")
    return f"[{first}]" if ":" in first else first


def make_listens(spec: Spec, machine: Machine) -> tuple[tuple[Listen, ...], tuple[Listen, ...]]:
    """Return the sockets that serve, and those that only redirect."""
    listening = find_listening(spec)
    is_silent = spec.mode is Mode.LOCAL and not spec.listen.addresses
    addresses = machine.local_addresses if is_silent else listening.addresses
    hosts = [host for address in addresses for host in _hosts(address, machine)]
    if not hosts:
        raise RenderError(
            "listen.addresses has IPv6 addresses only, and this machine has no IPv6",
            hint='write addresses = ["*"]',
        )
    plain = tuple(Listen(f"{host}:{listening.port}") for host in hosts)
    if listening.tls_port is None:
        return plain, ()
    return tuple(Listen(f"{host}:{listening.tls_port}", tls=True) for host in hosts), plain


def _hosts(address: str, machine: Machine) -> tuple[str, ...]:
    if address == "*":
        return ("*", "[::]") if machine.ipv6 else ("*",)
    if ip_address(address.partition("%")[0]).version == 4:  # noqa: PLR2004 - IPv4
        return (address,)
    return (f"[{address}]",) if machine.ipv6 else ()
