"""The tables of a spec, beside its upstreams."""

from typing import Annotated

from pydantic import Field

from passthru.spec.address import Interface, ListenAddresses, Network
from passthru.spec.duration import LONGEST, Duration, between
from passthru.spec.key import PublicKey
from passthru.spec.kind import Otherwise
from passthru.spec.name import MdnsName, Pattern
from passthru.spec.number import Copies, Flag, Port, Priority
from passthru.spec.path import Directory, Page, Path
from passthru.spec.service import ServiceType
from passthru.spec.size import Size, at_least, parse_size
from passthru.spec.table import ONCE, Table
from passthru.spec.url import UpstreamUrl


class Listen(Table):
    """Where clients connect."""

    addresses: Annotated[
        ListenAddresses | None, Otherwise('127.0.0.1 and ::1 in mode "local", all in the others')
    ] = Field(
        default=None,
        description='Addresses of this machine, or "*" for all of them.',
        examples=[["*"], ["192.168.1.2", "::1"]],
    )
    port: Annotated[Port | None, Otherwise('8080 in mode "local", 80 in the others')] = Field(
        default=None,
        description='The port of plain HTTP. In mode "tls" it redirects.',
        examples=[80],
    )
    tls_port: Annotated[Port | None, Otherwise('443 in mode "tls"')] = Field(
        default=None,
        description='The port of HTTPS in mode "tls"; unused in the other modes.',
        examples=[443],
    )


class Tls(Table):
    """The certificate of mode "tls", which requires this table; unused in the other modes."""

    certificate: Path = Field(
        description="A PEM file of this cache's certificate, and of those between it and the root.",
        examples=["/run/keys/cache.pem"],
    )
    certificate_key: Path = Field(
        description="A PEM file of the certificate's key, without a passphrase.",
        examples=["/run/keys/cache.key"],
    )


class Cache(Table):
    """What is kept on disk, and for how long."""

    directory: Annotated[
        Directory | None,
        Otherwise("/var/cache/passthru; without root, passthru in the user's XDG cache"),
    ] = Field(
        default=None,
        description="Where the cache is kept. All that is in this directory belongs to passthru.",
        examples=["/var/cache/passthru"],
    )
    size: Annotated[
        Size, at_least(parse_size("64M")), Otherwise('"200G"; "2G" with lan.follow')
    ] = Field(
        default=parse_size("200G"),
        description="How large it may become before what was unread longest is dropped.",
        examples=["200G"],
    )
    min_free: Size = Field(
        default=parse_size("5G"),
        description="How much of the disk it leaves free, whatever its size. 0: nothing.",
        examples=["5G"],
    )
    inactive: Annotated[Duration, between(60, LONGEST)] = Field(
        default=365 * 86400,
        description="How long something may go unread before it is dropped; size rules before that.",
        examples=["365d"],
    )
    narinfo_ttl: Annotated[Duration, between(1, LONGEST)] = Field(
        default=86400,
        description="How long a narinfo is fresh. After that it is revalidated in the background, "
        "and served as it is meanwhile.",
        examples=["1d"],
    )
    missing_ttl: Annotated[Duration, between(1, LONGEST)] = Field(
        default=30,
        description="How long an upstream's 404 is believed.",
        examples=["30s"],
    )
    hot: Copies = Field(
        default=4096,
        description="How many narinfos that are asked for again and again nginx serves from plain "
        "files in runtime_directory, which costs it less. 0: none.",
        examples=[4096],
    )


class NixCacheInfo(Table):
    """What /nix-cache-info tells clients."""

    priority: Priority = Field(
        default=30,
        description="The lower, the earlier Nix asks this cache. cache.nixos.org has 40, and a tie "
        "is lost.",
        examples=[30],
    )
    want_mass_query: Flag = Field(
        default=True,
        description="Whether Nix may ask about many store paths at once.",
        examples=[True],
    )
    store_dir: Path = Field(
        default="/nix/store",
        description="The store that the upstreams' paths are in. Nix ignores a cache of another one.",
        examples=["/nix/store"],
    )


class Mdns(Table):
    """How the cache is announced on the LAN."""

    enable: Annotated[Flag | None, Otherwise('true in mode "lan", false in the others')] = Field(
        default=None,
        description="Whether it is announced at all.",
        examples=[True],
    )
    name: MdnsName = Field(
        default="Nix cache on %h",
        description="The name people see; %h is this machine's. At most 63 bytes.",
        examples=["Nix cache on %h"],
    )
    interfaces: Annotated[tuple[Interface, ...], ONCE, Otherwise("all")] = Field(
        default=(),
        description="The network interfaces it is announced on.",
        examples=[["eth0"]],
    )
    also: Annotated[tuple[ServiceType, ...], ONCE] = Field(
        default=(),
        description="Service types it is announced as besides _http._tcp, for clients that look for "
        "those.",
        examples=[["_nix-serve._tcp", "_nix_binary_cache._tcp"]],
    )


class Lan(Table):
    """The caches of the LAN this machine is in."""

    follow: Flag = Field(
        default=False,
        description="Whether caches found by mDNS come before the upstreams: a laptop's mode. "
        "They are asked for narinfos and NARs only.",
        examples=[True],
    )
    names: Annotated[tuple[Pattern, ...], ONCE, Otherwise("all")] = Field(
        default=(),
        description="Patterns of the only names to follow: * is any text, ? any character.",
        examples=[["Nix cache on shelf", "Office *"]],
    )
    networks: Annotated[tuple[Network, ...], ONCE, Otherwise("all private ones")] = Field(
        default=(),
        description="The only networks whose caches are followed.",
        examples=[["192.168.1.0/24"]],
    )
    public_keys: Annotated[
        tuple[PublicKey, ...], ONCE, Otherwise("the public_keys of all upstreams")
    ] = Field(
        default=(),
        description="The keys that a narinfo from the LAN must be signed with, one of them, to be "
        "believed.",
        examples=[["office-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY="]],
    )


class Peers(Table):
    """Caches of one site that share the work by consistent hashing."""

    discover: Flag = Field(
        default=False,
        description="Whether peers are found by mDNS: those that say this of themselves, too.",
        examples=[True],
    )
    urls: Annotated[tuple[UpstreamUrl, ...], ONCE] = Field(
        default=(),
        description="The peers' URLs, this cache's own among them: http:// and no path. All peers "
        "of a site have the same list.",
        examples=[["http://cache-1.example.org", "http://cache-2.example.org"]],
    )


class Status(Table):
    """The page and the figures that show what the cache does."""

    enable: Flag = Field(
        default=True,
        description="Whether the page, its JSON and /metrics are served.",
        examples=[False],
    )
    path: Page = Field(
        default="/status",
        description="Where the page is; its JSON is there with .json at the end.",
        examples=["/status"],
    )
    allow: Annotated[
        tuple[Network, ...] | None,
        ONCE,
        Otherwise('127.0.0.0/8 and ::1; in mode "lan" private addresses too'),
    ] = Field(
        default=None,
        description="Who may see them: addresses and networks.",
        examples=[["127.0.0.0/8", "::1"]],
    )
    paths: Flag = Field(
        default=False,
        description="Whether names of packages and addresses of clients are shown.",
        examples=[True],
    )
