"""Values of a spec that are right alone and cannot stand together."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from passthru.spec.listening import Listening, find_listening
from passthru.spec.mode import Mode
from passthru.spec.notation import Location
from passthru.spec.url import take_apart

if TYPE_CHECKING:
    from passthru.spec.models import Spec


@dataclass(frozen=True, slots=True)
class Conflict:
    """One of them: `at` is where to change something, `because` what else was looked at."""

    at: Location
    message: str
    hint: str
    because: tuple[Location, ...] = field(default=())


MOST_UPSTREAMS: Final = 8
"""nginx gives up after 10 internal redirects in a request, and each upstream takes one."""


NEIGHBOURS: Final = "lan"
"""The name under which what the caches of the LAN answer is stored and counted."""


class ConflictError(ValueError):
    """All conflicts of a spec."""

    def __init__(self, conflicts: tuple[Conflict, ...]) -> None:
        """Hold what `find_conflicts` found."""
        super().__init__("; ".join(conflict.message for conflict in conflicts))
        self.conflicts = conflicts


def find_conflicts(spec: "Spec") -> tuple[Conflict, ...]:
    """Return all conflicts, in no order that matters."""
    listening = find_listening(spec)
    return tuple(
        conflict
        for found in (
            _about_count(spec),
            _about_tls(spec, listening),
            _about_mdns(spec, listening),
            _about_twins(spec),
            _about_loops(spec, listening),
            _about_directories(spec),
            _about_following(spec),
            _about_peers(spec),
        )
        for conflict in found
    )


def _about_count(spec: "Spec") -> Iterator[Conflict]:
    count = len(spec.upstreams)
    if not count:
        yield Conflict(
            ("upstreams",), "is empty", "name an upstream, or leave it out for cache.nixos.org"
        )
    if count > MOST_UPSTREAMS:
        yield Conflict(
            ("upstreams",),
            f"has {count} upstreams, and nginx can ask {MOST_UPSTREAMS} for one path",
            f"keep the {MOST_UPSTREAMS} that have most of what you use",
        )


def _about_tls(spec: "Spec", listening: Listening) -> Iterator[Conflict]:
    if spec.mode is not Mode.TLS:
        return
    if spec.tls is None:
        yield Conflict(
            ("tls",),
            'is missing, and mode is "tls"',
            "write [tls] with certificate and certificate_key, or another mode",
            because=(("mode",),),
        )
    if listening.port == listening.tls_port:
        own = "tls_port" if spec.listen.tls_port else "port"
        yield Conflict(
            ("listen", own),
            f"HTTP and HTTPS cannot share port {listening.port}",
            "write two different ports",
            because=(("mode",), ("listen", "port"), ("listen", "tls_port")),
        )


def _about_mdns(spec: "Spec", listening: Listening) -> Iterator[Conflict]:
    if spec.mdns.enable and listening.is_local:
        yield Conflict(
            ("mdns", "enable"),
            "would announce a cache that only this machine can reach",
            'write mode = "lan", or an address of this machine in listen.addresses',
            because=(("mode",), ("listen", "addresses")),
        )


def _about_twins(spec: "Spec") -> Iterator[Conflict]:
    """Yield upstreams that repeat the URL or the name of an earlier one."""
    urls: dict[str, int] = {}
    names: dict[str, int] = {}
    for index, upstream in enumerate(spec.upstreams):
        first = urls.setdefault(upstream.url, index)
        if first != index:
            yield Conflict(
                ("upstreams", index, "url"),
                f"is the same as upstreams[{first}].url",
                "remove one of the two",
                because=(("upstreams", first, "url"),),
            )
        namesake = names.setdefault(upstream.name, index)
        if namesake not in {index, first}:
            given = "name" in upstream.model_fields_set
            yield Conflict(
                ("upstreams", index, "name" if given else "url"),
                f'"{upstream.name}" is also the name of upstreams[{namesake}]'
                if given
                else f'makes the name "{upstream.name}", which is also that of upstreams[{namesake}]',
                "give one of the two another name" if given else "give one of the two a name",
                because=(
                    ("upstreams", namesake, "url"),
                    ("upstreams", namesake, "name"),
                    ("upstreams", index, "name"),
                ),
            )


def _about_loops(spec: "Spec", listening: Listening) -> Iterator[Conflict]:
    """Yield upstreams and proxies that are this cache itself."""
    because: tuple[Location, ...] = (("mode",), ("host_name",), ("listen",))
    for index, upstream in enumerate(spec.upstreams):
        # Behind a proxy, loopback is the proxy's machine.
        ours = upstream.proxy is None and listening.is_at(upstream.host, upstream.port)
        if ours or (upstream.host == spec.host_name and upstream.port in listening.ports):
            yield Conflict(
                ("upstreams", index, "url"),
                "is this cache itself",
                "write the address of another cache, or let this one listen on another port",
                because=because,
            )
        if upstream.proxy is None:
            continue
        proxy = take_apart(upstream.proxy)
        if listening.is_at(proxy.host, proxy.port) or (
            proxy.host == spec.host_name and proxy.port in listening.ports
        ):
            yield Conflict(
                ("upstreams", index, "proxy"),
                "is this cache itself",
                "write the address of a proxy, or let this cache listen on another port",
                because=because,
            )


def _about_following(spec: "Spec") -> Iterator[Conflict]:
    """Yield what stands in the way of the caches of the LAN."""
    if not (spec.lan.follow or spec.peers.urls or spec.peers.discover):
        return
    asked = ("lan", "follow") if spec.lan.follow else ("peers",)
    for index, upstream in enumerate(spec.upstreams):
        if upstream.name == NEIGHBOURS:
            yield Conflict(
                ("upstreams", index, "name" if "name" in upstream.model_fields_set else "url"),
                f'"{NEIGHBOURS}" is what the caches of the LAN are called',
                "give it another name",
                because=(asked,),
            )
    if len(spec.upstreams) == MOST_UPSTREAMS:
        yield Conflict(
            ("upstreams",),
            f"has {MOST_UPSTREAMS} upstreams, and beside caches of the LAN nginx can ask"
            f" {MOST_UPSTREAMS - 1}",
            "keep those that have most of what you use",
            because=(asked,),
        )


def _about_peers(spec: "Spec") -> Iterator[Conflict]:
    """Yield peers that cannot be spoken to."""
    for index, url in enumerate(spec.peers.urls):
        parts = take_apart(url)
        if parts.scheme != "http" or parts.path:
            yield Conflict(
                ("peers", "urls", index),
                "is not the plain HTTP address of a cache",
                "write it with http:// and without a path",
            )


def _about_directories(spec: "Spec") -> Iterator[Conflict]:
    """Yield what lies in the cache's directory: nginx removes every file there that is not its own."""
    others: list[tuple[Location, str | None]] = [
        (("state_directory",), spec.state_directory),
        (("runtime_directory",), spec.runtime_directory),
        (("nix_cache_info", "store_dir"), spec.nix_cache_info.store_dir),
    ]
    if spec.tls is not None:
        others.append((("tls", "certificate"), spec.tls.certificate))
        others.append((("tls", "certificate_key"), spec.tls.certificate_key))
    for index, upstream in enumerate(spec.upstreams):
        others.append((("upstreams", index, "ca_file"), upstream.ca_file))
        others.append((("upstreams", index, "credentials_file"), upstream.credentials_file))
    cache = spec.cache.directory
    for at, path in others:
        if path is None or cache is None:
            continue
        if path == cache or path.startswith(f"{cache}/"):
            yield Conflict(
                at,
                "lies in cache.directory, where files that are not the cache's are removed",
                f"write a path outside {cache}, or a cache.directory beside it",
                because=(("cache", "directory"),),
            )
