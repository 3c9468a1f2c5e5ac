"""From a spec, an nginx and a machine to the values that the templates print; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from passthru.errors import RenderError
from passthru.nginx.capabilities import Capabilities
from passthru.nginx.credentials import CREDENTIALS
from passthru.nginx.disk import Disk
from passthru.nginx.hot import JUMP, HotPlan, plan_hot
from passthru.nginx.lan import LanPlan, loop_token, plan_lan
from passthru.nginx.late import LateFiles
from passthru.nginx.listening import Listen, address_of, host_name_of, make_listens
from passthru.nginx.machine import Machine
from passthru.nginx.site import Site
from passthru.nginx.status import StatusPlan, plan_status
from passthru.nginx.tunnels import TunnelPlan, plan_tunnels
from passthru.nginx.upstream_plan import UpstreamPlan, plan_upstream
from passthru.nginx.zones import Zones, make_zones
from passthru.spec import Mode, OnOutage, Spec

JUMPS: Final = 10
"""Internal redirects that nginx allows a request (NGX_HTTP_MAX_URI_CHANGES)."""

FOLLOWING: Final = 3
"""Jumps to `passthru fills`: there, once more there, and back to the turn that was left."""

FOLLOWED: Final = 463
"""The code by which nginx leads a follower to its location; nobody else sees it."""

NAR_LOCK: Final = 240
"""Seconds a second client waits for the first one's fill: below the 300 s of silence Nix allows."""

NAR_LOCK_AGE: Final = 900
"""Seconds before a second fill of one NAR is let through: longer than an honest large one takes."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that the templates need, resolved and checked against the nginx at hand."""

    mode: Mode
    capabilities: Capabilities
    site: Site
    home: str
    """The directory that the rendered files are read from."""

    address: str
    """The URL to give to clients."""

    server_name: str
    listens: tuple[Listen, ...]
    redirects: tuple[Listen, ...]
    """Plain sockets that send everybody to the TLS port (mode "tls")."""

    certificate: str | None
    certificate_key: str | None
    user: str | None
    open_files: int
    zones: Zones
    min_free: int
    inactive: int
    narinfo_ttl: int
    missing_ttl: int
    upstreams: tuple[UpstreamPlan, ...]
    tunnels: tuple[TunnelPlan, ...]
    lan: LanPlan
    public_keys: tuple[str, ...]
    resolvers: tuple[str, ...]
    ipv6_route: bool
    late: LateFiles | None
    """Which files are left to the machine, in a rendering made elsewhere."""

    outage_is_miss: bool
    priority: int
    want_mass_query: bool
    store_dir: str
    loop_token: str
    """What our own hop writes into CDN-Loop (RFC 8586)."""

    loopback_only: bool
    disk: Disk
    status: StatusPlan
    hot: HotPlan | None
    """Where copies of hot narinfos are, if there are to be any."""

    @property
    def names_upstreams(self) -> bool:
        """Whether narinfos of all but the first upstream lead to that upstream's own NARs.

        Also with one upstream, for it may have been the second when its narinfos were handed out.
        """
        return self.capabilities.sub

    @property
    def credentials_file(self) -> str | None:
        """What nginx includes to know the upstreams' credentials, if there are any."""
        if self.late:
            return self.late.credentials
        return CREDENTIALS if any(upstream.authorized for upstream in self.upstreams) else None

    @property
    def resolvers_file(self) -> str | None:
        """What nginx includes to know its name servers, if they are not known yet."""
        return self.late.resolvers if self.late else None

    @property
    def follows(self) -> bool:
        """Whether who wants a NAR that is on its way is led to `passthru fills`."""
        return self.capabilities.limit_conn and self.disk.readable and self.disk.writable

    @property
    def redirects_too_many(self) -> int:
        """How many redirects of all upstreams together nginx has no jumps left to follow."""
        return _jumps_left(self.upstreams, self.lan) - (JUMP if self.hot else 0) + 1

    @property
    def redirects_too_many_after_following(self) -> int:
        """The same for a request that followed another's download first, which takes three jumps."""
        return max(1, self.redirects_too_many - FOLLOWING)

    @property
    def fills_patience(self) -> int:
        """Seconds of silence that may be in a fill; its end is nginx's to see before ours."""
        return max(upstream.read_timeout for upstream in self.upstreams) + 10

    @property
    def looks_again(self) -> bool:
        """Whether there are jumps left to look once more into what the first upstreams said."""
        return len(self.upstreams) + FOLLOWING <= JUMPS


def make_plan(
    spec: Spec,
    capabilities: Capabilities,
    machine: Machine,
    *,
    site: Site | None = None,
    home: str | None = None,
) -> Plan:
    """Resolve `spec` for one nginx and one machine.

    `site` overrides where things are kept, `home` where the rendered files will be read from.
    Raises RenderError for what this nginx, or this version of passthru, cannot do.
    """
    site = site or site_of(spec, machine)
    _refuse_unsupported(spec, capabilities)
    _refuse_foreign_files(site)
    listens, redirects = make_listens(spec, machine)
    open_files = max(1024, min(65536, machine.open_files))
    zones = make_zones(site.cache, spec.cache.size)
    lan = plan_lan(spec, machine, site)
    upstreams = tuple(
        plan_upstream(upstream, index, capabilities, machine, site)
        for index, upstream in enumerate(spec.upstreams)
    )
    return Plan(
        mode=spec.mode,
        capabilities=capabilities,
        site=site,
        home=home or site.live,
        address=address_of(spec, machine),
        server_name=host_name_of(spec, machine),
        listens=listens,
        redirects=redirects,
        certificate=spec.tls.certificate if spec.tls and spec.mode is Mode.TLS else None,
        certificate_key=spec.tls.certificate_key if spec.tls else None,
        user=" ".join(filter(None, (machine.user, machine.group))) or None,
        open_files=open_files,
        zones=zones,
        min_free=spec.cache.min_free,
        inactive=spec.cache.inactive,
        narinfo_ttl=spec.cache.narinfo_ttl,
        missing_ttl=spec.cache.missing_ttl,
        upstreams=upstreams,
        tunnels=plan_tunnels(spec, site),
        lan=lan,
        public_keys=tuple(key for upstream in spec.upstreams for key in upstream.public_keys),
        resolvers=machine.resolvers or ("127.0.0.1",),
        ipv6_route=machine.ipv6_route,
        late=LateFiles.of(spec, machine),
        outage_is_miss=spec.on_outage is OnOutage.MISS,
        priority=spec.nix_cache_info.priority,
        want_mass_query=spec.nix_cache_info.want_mass_query,
        store_dir=spec.nix_cache_info.store_dir,
        loop_token=loop_token(machine, site),
        disk=machine.disk,
        loopback_only=all(listen.is_local for listen in listens),
        status=plan_status(spec, site, local_addresses=machine.local_addresses),
        hot=plan_hot(
            spec.cache.hot,
            site=site,
            zone=zones.metadata,
            upstreams=upstreams,
            disk=machine.disk,
            open_files=open_files,
            jumps=_jumps_left(upstreams, lan),
        ),
    )


def site_of(spec: Spec, machine: Machine) -> Site:
    """Return where this instance keeps its things."""
    return Site(
        state=spec.state_directory or machine.state_directory,
        runtime=spec.runtime_directory or machine.runtime_directory,
        cache=spec.cache.directory or machine.cache_directory,
    )


def _jumps_left(upstreams: Sequence[UpstreamPlan], lan: LanPlan) -> int:
    """Return how many jumps there are for redirects: one leads from each turn to the next."""
    return JUMPS - len(upstreams) - (1 if lan.follow else 0)


def _refuse_foreign_files(site: Site) -> None:
    """Refuse a cache directory that holds our other files: nginx removes what it does not know."""
    for key, path in (("state_directory", site.state), ("runtime_directory", site.runtime)):
        if f"{path}/".startswith(f"{site.cache}/"):
            raise RenderError(
                f"cache.directory: {site.cache} holds {key} ({path})",
                hint="write a directory that nothing else is in",
            )


def _refuse_unsupported(spec: Spec, capabilities: Capabilities) -> None:
    """Refuse what would otherwise be silently left out; raises RenderError."""
    for index, upstream in enumerate(spec.upstreams):
        wide = next((host for host in upstream.redirect_hosts if host.startswith("*")), None)
        if upstream.proxy is not None and wide is not None:
            raise RenderError(
                f"upstreams[{index}].redirect_hosts: {wide} is a wildcard, and this version goes through"
                " a proxy only to hosts that it knows before",
                hint="write whole names, such as store.example.org, or remove the proxy",
            )
        if upstream.scheme == "https" and not capabilities.tls:
            raise RenderError(
                f"upstreams[{index}].url: this nginx was built without TLS",
                hint="install the distribution's nginx, or name another in PASSTHRU_NGINX",
            )
    if spec.mode is Mode.TLS and not capabilities.tls:
        raise RenderError(
            'mode = "tls": this nginx was built without TLS',
            hint="install the distribution's nginx, or name another in PASSTHRU_NGINX",
        )
