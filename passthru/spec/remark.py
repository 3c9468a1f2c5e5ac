"""What is right in a spec, and may not do what its writer thinks."""

from collections.abc import Iterator

from passthru.errors import Problem
from passthru.spec.mode import Mode
from passthru.spec.models import Spec
from passthru.spec.notation import write_where
from passthru.spec.upstream import Upstream

_STORE = "/nix/store/"


def find_remarks(spec: Spec) -> tuple[Problem, ...]:
    """Return what `passthru check` should mention; nothing of it stops the cache from working."""
    found = [*_about_tls(spec), *_about_following(spec), *_about_peers(spec)]
    for index, upstream in enumerate(spec.upstreams):
        found += _about_upstream(upstream, index)
    return tuple(found)


def _about_tls(spec: Spec) -> Iterator[Problem]:
    unused = f'is not used in mode "{spec.mode}"'
    if spec.mode is not Mode.TLS and spec.listen.tls_port is not None:
        yield Problem("listen.tls_port", unused, 'for HTTPS, write mode = "tls"')
    if spec.mode is not Mode.TLS and spec.tls is not None:
        yield Problem("tls", unused, 'for HTTPS, write mode = "tls"')
    if spec.tls is not None and spec.tls.certificate_key.startswith(_STORE):
        yield _in_store("tls.certificate_key")


def _about_following(spec: Spec) -> Iterator[Problem]:
    lan = spec.lan
    if lan.follow and not lan.public_keys and not any(up.public_keys for up in spec.upstreams):
        yield Problem(
            "lan.follow",
            "finds caches that nothing is believed of, for no public key is known",
            "write public_keys in [lan], or at an upstream",
        )
    if not lan.follow and (lan.names or lan.networks or lan.public_keys):
        yield Problem("lan", "is not used without follow", "write follow = true in [lan]")


def _about_peers(spec: Spec) -> Iterator[Problem]:
    if spec.lan.follow and (spec.peers.urls or spec.peers.discover):
        yield Problem(
            "lan.follow",
            "is not used beside peers, who alone are asked then",
            "share the work of a site, or follow whoever is there",
        )
    announced = spec.mdns.enable or (spec.mdns.enable is None and spec.mode is Mode.LAN)
    if spec.peers.discover and not announced:
        yield Problem(
            "peers.discover",
            "finds others that do not find this one",
            "write enable = true in [mdns]",
        )


def _about_upstream(upstream: Upstream, index: int) -> Iterator[Problem]:
    where = write_where(("upstreams", index))
    if upstream.scheme == "http" and upstream.ca_file is not None:
        yield Problem(f"{where}.ca_file", "is not used with http://", "write https:// in its url")
    if upstream.credentials_file is None:
        return
    if upstream.scheme == "http":
        yield Problem(
            f"{where}.credentials_file",
            "is sent unencrypted with http://",
            "write https:// in its url",
        )
    if upstream.credentials_file.startswith(_STORE):
        yield _in_store(f"{where}.credentials_file")


def _in_store(where: str) -> Problem:
    return Problem(
        where,
        "is in the Nix store, where every user of this machine can read it",
        "keep it elsewhere, such as in /run/keys",
    )
