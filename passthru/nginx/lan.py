"""What this instance does on the LAN, as `passthru mdns` is told of it; pure."""

import json
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Final

from passthru import __version__
from passthru.nginx.listening import address_of, host_name_of
from passthru.nginx.machine import Machine
from passthru.nginx.site import Site, check_socket
from passthru.spec import Mode, Spec, find_listening
from passthru.spec.conflict import NEIGHBOURS

LAN: Final = "lan.json"
"""The name of the file among those of a rendering."""

LOCAL: Final = ".local"
_DOMAIN: Final = ".local."
LONGEST_LABEL: Final = 63


@dataclass(frozen=True, slots=True)
class AnnouncePlan:
    """How the cache is announced."""

    name: str
    host: str
    """The first label of this machine's name in `.local`."""

    port: int
    types: tuple[str, ...]
    priority: int
    version: str
    store_dir: str
    keys: tuple[str, ...]
    url: str | None
    """Its https URL, if it has one."""

    shares: bool
    """Whether it shares the work of a site with those it discovers."""


@dataclass(frozen=True, slots=True)
class FollowPlan:
    """How caches of the LAN are pulled through."""

    socket: str
    names: tuple[str, ...]
    networks: tuple[str, ...]
    keys: tuple[str, ...]
    store_dir: str
    loop_token: str
    peers: tuple[str, ...] | None
    """The URLs of those that share the work of a site, if that is what is wanted of neighbours."""

    discover: bool
    """Whether there are more of them, to be heard of."""

    @property
    def name(self) -> str:
        """What they are called among the upstreams."""
        return NEIGHBOURS

    @property
    def key(self) -> str:
        """What their answers are stored under: others, once others are believed."""
        told = json.dumps([self.names, self.networks, self.keys, self.store_dir, self.peers])
        return f"{NEIGHBOURS}-{sha256(told.encode()).hexdigest()[:8]}"


@dataclass(frozen=True, slots=True)
class LanPlan:
    """What there is to do on the LAN; the names are those of the file."""

    announce: AnnouncePlan | None
    follow: FollowPlan | None
    interfaces: tuple[str, ...]
    listening: tuple[str, ...]
    """The addresses it listens on, of which alone is told."""

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to do."""
        return self.announce is not None or self.follow is not None


def plan_lan(spec: Spec, machine: Machine, site: Site) -> LanPlan:
    """Return what a spec asks for on the LAN; raises RenderError."""
    return LanPlan(
        announce=_plan_announcement(spec, machine) if is_announced(spec) else None,
        follow=_plan_following(spec, machine, site) if _has_neighbours(spec) else None,
        interfaces=spec.mdns.interfaces,
        listening=find_listening(spec).addresses,
    )


def write_lan(plan: LanPlan) -> str:
    """Return the text of the file."""
    return json.dumps(asdict(plan), indent=2) + "\n"


def is_announced(spec: Spec) -> bool:
    """Say whether a cache is to be announced: by default those that serve a LAN, if it reaches them."""
    if spec.mdns.enable is None:
        return spec.mode is Mode.LAN and not find_listening(spec).is_local
    return spec.mdns.enable


def loop_token(machine: Machine, site: Site) -> str:
    """Return what this instance writes into CDN-Loop (RFC 8586): others of this machine differ."""
    if site.state == machine.state_directory:
        return f"passthru-{machine.instance}"
    told = f"{machine.instance} {site.state}"
    return f"passthru-{sha256(told.encode()).hexdigest()[:8]}"


def _plan_following(spec: Spec, machine: Machine, site: Site) -> FollowPlan:
    check_socket(
        site.lan,
        "lan.follow: the path of its unix socket",
        hint="set runtime_directory to a shorter path",
    )
    return FollowPlan(
        socket=site.lan,
        names=spec.lan.names,
        networks=spec.lan.networks,
        keys=spec.lan.public_keys or _keys_of(spec),
        store_dir=spec.nix_cache_info.store_dir,
        loop_token=loop_token(machine, site),
        peers=spec.peers.urls if spec.peers.urls or spec.peers.discover else None,
        discover=spec.peers.discover,
    )


def _has_neighbours(spec: Spec) -> bool:
    return spec.lan.follow or bool(spec.peers.urls) or spec.peers.discover


def _keys_of(spec: Spec) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for up in spec.upstreams for key in up.public_keys))


def _plan_announcement(spec: Spec, machine: Machine) -> AnnouncePlan:
    listening = find_listening(spec)
    host = host_name_of(spec, machine)
    label = host.removesuffix(LOCAL) if host.endswith(LOCAL) else machine.name
    tls = listening.tls_port is not None
    types = ("_https._tcp" if tls else "_http._tcp", *spec.mdns.also)
    # A dot would be the end of a label to many a program.
    name = spec.mdns.name.replace("%h", machine.name).replace(".", "-")
    return AnnouncePlan(
        name=name.encode()[:LONGEST_LABEL].decode(errors="ignore"),
        host=machine.name if "." in label else label,
        port=listening.port if listening.tls_port is None else listening.tls_port,
        types=tuple(f"{type_}{_DOMAIN}" for type_ in types),
        priority=spec.nix_cache_info.priority,
        version=__version__,
        store_dir=spec.nix_cache_info.store_dir,
        keys=_keys_of(spec),
        url=address_of(spec, machine) if tls else None,
        shares=spec.peers.discover,
    )
