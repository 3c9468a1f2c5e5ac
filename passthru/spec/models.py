"""The spec: what the operator may ask for."""

from typing import Annotated, Final

from pydantic import Field, model_validator

from passthru.spec.address import Host
from passthru.spec.conflict import ConflictError, find_conflicts
from passthru.spec.kind import Otherwise
from passthru.spec.mode import Mode, OnOutage
from passthru.spec.path import Directory, RuntimeDirectory
from passthru.spec.size import parse_size
from passthru.spec.table import Table
from passthru.spec.tables import Cache, Lan, Listen, Mdns, NixCacheInfo, Peers, Status, Tls
from passthru.spec.upstream import Upstream, default_upstreams

FOLLOWERS_SIZE: Final = parse_size("2G")
"""What a cache may hold by default that only bridges the time until the next LAN: a laptop's."""


class Spec(Table):
    """What one instance of passthru is asked to be."""

    mode: Mode = Field(
        default=Mode.LOCAL,
        description='Whom it serves. "local": this machine alone, on port 8080. "lan": all, on port '
        '80, announced by mDNS. "tls": all, on port 443, where port 80 redirects to.',
        examples=["lan"],
    )
    host_name: Annotated[
        Host | None, Otherwise('this machine\'s name, with ".local" in mode "lan"')
    ] = Field(
        default=None,
        description="The name by which clients reach it.",
        examples=["cache.example.org"],
    )
    on_outage: OnOutage = Field(
        default=OnOutage.ERROR,
        description='What a client hears when an upstream cannot be asked. "error": 502 or 504, at '
        'once. "miss": 404, which Nix then believes for an hour.',
        examples=["error"],
    )
    state_directory: Annotated[
        Directory | None,
        Otherwise("/var/lib/passthru; without root, passthru in the user's XDG state"),
    ] = Field(
        default=None,
        description="Where logs, history and generations are kept.",
        examples=["/var/lib/passthru"],
    )
    runtime_directory: Annotated[
        RuntimeDirectory | None,
        Otherwise("/run/passthru; without root, passthru in the user's XDG runtime"),
    ] = Field(
        default=None,
        description="Where sockets and pid files are.",
        examples=["/run/passthru"],
    )
    listen: Listen = Field(default_factory=Listen, description="Where clients connect.")
    tls: Annotated[Tls | None, Otherwise("none")] = Field(
        default=None, description='The certificate; required in mode "tls".'
    )
    cache: Cache = Field(
        default_factory=Cache, description="What is kept on disk, and for how long."
    )
    upstreams: Annotated[tuple[Upstream, ...], Otherwise("cache.nixos.org")] = Field(
        default_factory=default_upstreams,
        description="The caches to pull from, in the order they are asked; at most 8.",
    )
    nix_cache_info: NixCacheInfo = Field(
        default_factory=NixCacheInfo, description="What /nix-cache-info tells clients."
    )
    mdns: Mdns = Field(default_factory=Mdns, description="How the cache is announced on the LAN.")
    lan: Lan = Field(default_factory=Lan, description="The caches of the LAN this machine is in.")
    peers: Peers = Field(
        default_factory=Peers,
        description="Caches of one site that share the work by consistent hashing.",
    )
    status: Status = Field(
        default_factory=Status,
        description="The page and the figures that show what the cache does.",
    )

    @model_validator(mode="after")
    def _agree(self) -> "Spec":
        if self.lan.follow and "size" not in self.cache.model_fields_set:
            object.__setattr__(self.cache, "size", FOLLOWERS_SIZE)
        if conflicts := find_conflicts(self):
            raise ConflictError(conflicts)
        return self
