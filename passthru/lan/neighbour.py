"""A cache heard on the LAN, checked, and as `neighbours.json` has it; pure."""

from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, Final, Self

from passthru.lan.record import Told, clean, read_txt

NEAR: Final = tuple(
    ip_network(text)
    for text in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10"),
        *("fc00::/7", "fe80::/10"),
    )
)
"""Private networks and those of a link: RFC 1918, 3927, 6598, 4193 and 4291."""

PRIORITY_UNSAID: Final = 50
"""Where a cache that names no priority stands: after those that do."""

IpAddress = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """One cache; what it says is shown and never believed."""

    name: str
    """Its name on the LAN, fit to be printed."""

    service: str
    """Its full name in DNS-SD, by which it is told from others; not fit to be printed."""

    type: str
    interface: str
    address: IpAddress
    port: int
    tls: bool
    told: Told
    seen_at: float
    """Seconds since 1970."""

    healthy: bool | None = None
    latency: float | None = None
    """Seconds for its nix-cache-info."""

    store_dir: str | None = None
    """As its nix-cache-info says."""

    ourselves: bool = False

    @property
    def url(self) -> str:
        """Where it is, by its address, or by its name where a certificate has to be verified."""
        if self.tls and self.told.url:
            return self.told.url
        zone = f"%{self.interface}" if self.is_link_local_6 else ""
        host = f"[{self.address}{zone}]" if self.address.version == 6 else str(self.address)  # noqa: PLR2004 - IPv6
        scheme, usual = ("https", 443) if self.tls else ("http", 80)
        return f"{scheme}://{host}" + ("" if self.port == usual else f":{self.port}")

    @property
    def is_link_local_6(self) -> bool:
        """Whether its address needs an interface beside it."""
        return self.address.version == 6 and self.address.is_link_local  # noqa: PLR2004 - IPv6

    @property
    def rank(self) -> tuple[int, float, str]:
        """What it is chosen by: priority, then latency."""
        priority = self.told.priority
        return (
            PRIORITY_UNSAID if priority is None else priority,
            float("inf") if self.latency is None else self.latency,
            self.service,
        )

    def probed(self, *, healthy: bool, latency: float | None, store_dir: str | None) -> Self:
        """Return it as of the last look at its nix-cache-info."""
        return replace(self, healthy=healthy, latency=latency, store_dir=store_dir)

    def record(self) -> dict[str, Any]:
        """Return what `neighbours.json` and `discover --json` say of it."""
        return {
            "name": self.name,
            "url": self.url,
            "priority": self.told.priority,
            "storeDir": self.store_dir or self.told.store_dir,
            "keys": list(self.told.keys),
            "id": self.told.identity,
            "healthy": self.healthy,
            "latencySeconds": None if self.latency is None else round(self.latency, 6),
            "ourselves": self.ourselves,
            "seenAt": round(self.seen_at, 3),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One service as it was heard, nothing of it checked."""

    service: str
    type: str
    interface: str
    addresses: tuple[str, ...]
    port: int | None
    properties: dict[bytes, bytes | None]


def check(
    heard: Heard, *, seen_at: float, types: frozenset[str], anywhere: bool
) -> Neighbour | None:
    """Return the neighbour that was heard; None for what is no cache, or not of this network.

    `types` are those of which every service is a cache; one of any other has to say so.
    Unless `anywhere`, an address that is not private or link-local is not believed.
    """
    told = read_txt(heard.properties)
    if heard.port is None or not 1 <= heard.port <= 65535:  # noqa: PLR2004 - the highest port
        return None
    if not told.is_cache and heard.type not in types:
        return None
    address = best_address(heard.addresses, anywhere=anywhere)
    if address is None:
        return None
    label = heard.service.removesuffix(f".{heard.type}")
    return Neighbour(
        name=clean(label),
        service=heard.service,
        type=heard.type,
        interface=heard.interface,
        address=address,
        port=heard.port,
        tls=heard.type.startswith("_https."),
        told=told,
        seen_at=seen_at,
    )


def best_address(addresses: tuple[str, ...], *, anywhere: bool) -> IpAddress | None:
    """Return the address to connect to: IPv4 before IPv6, those of the link last."""
    found = []
    for text in addresses[:16]:
        try:
            address = ip_address(text.partition("%")[0])
        except ValueError:
            continue
        if address.is_loopback or address.is_multicast or address.is_unspecified:
            continue
        if anywhere or any(address in network for network in NEAR):
            found.append(address)
    return min(found, default=None, key=lambda one: (one.is_link_local, one.version, int(one)))
