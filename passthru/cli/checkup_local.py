"""Checks of `passthru doctor` that need no network: this machine, its nginx, its disk, what runs."""

from __future__ import annotations

import os
import pwd
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from passthru.cli.checkup import Check, fail, from_findings, ok, skipped, warn
from passthru.cli.output import size
from passthru.errors import NginxError, PassthruError
from passthru.nginx.generation import is_alike, read_generation
from passthru.nginx.health import ask_health
from passthru.nginx.master import find_master, serving_workers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from passthru.cli.finding import Finding
    from passthru.cli.instance import Instance
    from passthru.nginx.health import Health
    from passthru.nginx.site import Site

LEAST_BYTES: Final = 1 << 20
"""What has to be left for logs, history and generations."""

_CONFIGURATION: Final = frozenset({"nginx-refuses", "unsupported", "untested"})
_LISTENING: Final = frozenset(
    {
        "address-in-use",
        "address-not-here",
        "address-unusable",
        "port-privileged",
        "restart-needed",
    }
)
_DIRECTORIES: Final = frozenset(
    {"directory-is-a-file", "directory-not-writable", "directory-closed", "cache-too-large"}
)

_MISSING_PARTS: Final = {
    "sub": "without http_sub_module, NARs of further upstreams cannot be told apart",
    "http2": "without http_v2_module, mode tls has no HTTP/2",
}


def check_nginx(instance: Instance) -> Check:
    """Name the nginx, and what it lacks."""
    capabilities = instance.plan.capabilities
    lacking = [text for name, text in _MISSING_PARTS.items() if not getattr(capabilities, name)]
    message = f"{capabilities.version} ({instance.binary})"
    if lacking:
        return warn("nginx", message, "install the distribution's whole nginx", *lacking)
    return ok("nginx", message)


def checks_of_findings(found: Sequence[Finding], instance: Instance) -> Iterator[Check]:
    """Yield the checks that `passthru check` makes as well."""

    def those(codes: frozenset[str]) -> list[Finding]:
        return [finding for finding in found if finding.code in codes]

    generation = instance.rendering.generation
    yield from_findings(
        "configuration", those(_CONFIGURATION), f"nginx -t takes generation {generation}"
    )
    addresses = ", ".join(listen.address for listen in instance.plan.listens)
    site = instance.plan.site
    other = _other_owner(site.state)
    yield (
        skipped("addresses", other)
        if other
        else from_findings("addresses", those(_LISTENING), addresses)
    )
    yield _check_certificate(found, instance)
    yield (
        skipped("directories", other)
        if other
        else from_findings("directories", those(_DIRECTORIES), f"{site.cache}, {site.state}")
    )
    yield _check_zones(instance)
    yield _check_space(instance)


def _check_certificate(found: Sequence[Finding], instance: Instance) -> Check:
    from passthru.cli.certificate import read_certificate  # noqa: PLC0415 - slow, for mode "tls"

    path = instance.plan.certificate
    if path is None:
        return skipped("certificate", f'mode = "{instance.plan.mode}" has none')
    certificate = read_certificate(path)
    if certificate is None:
        return fail("certificate", f"{path} cannot be read", "see what `passthru check` says")
    ours = [finding for finding in found if finding.code.startswith("certificate-")]
    days = certificate.days_left(time.time())
    return from_findings("certificate", ours, f"for {instance.plan.server_name}, {days} days left")


def _check_zones(instance: Instance) -> Check:
    """See that what nginx writes can be moved into place, and belongs to those who write it."""
    plan = instance.plan
    wanted = _workers_user(plan.site)
    for zone in (plan.zones.metadata, plan.zones.nar):
        path = Path(zone.directory)
        try:
            facts, outside = path.stat(), path.parent.stat()
        except FileNotFoundError:
            return skipped("zones", "nginx makes their directories when it starts first")
        except OSError as fault:
            return fail("zones", f"{path}: {str(fault.strerror).lower()}", "run this as root")
        if facts.st_dev != outside.st_dev:
            return warn(
                "zones",
                f"{path} is on another file system than {path.parent}",
                "give the whole cache.directory one file system: its size is counted as one",
            )
        if wanted not in {None, 0, facts.st_uid}:
            owner = f"{path} belongs to user {facts.st_uid}"
            message = f"{owner}, and nginx's workers are user {wanted}"
            return fail("zones", message, f"chown -R {wanted} {plan.site.cache}/*")
    if wanted is None:
        return ok("zones", "on one file system")
    return ok("zones", "on one file system, and nginx's workers own them")


def _workers_user(site: Site) -> int | None:
    """Return the user id of the running nginx's workers; None if there are none to be seen."""
    try:
        workers = serving_workers(site, find_master(site))
        return Path(f"/proc/{min(workers)}").stat().st_uid
    except (OSError, ValueError, NginxError):
        return None


def _check_space(instance: Instance) -> Check:
    plan = instance.plan
    free, wanted = _free(plan.site.cache), plan.min_free
    left = _free(plan.site.logs)
    if left < LEAST_BYTES:
        return fail(
            "space",
            f"{size(left)} are free for {plan.site.logs}: what is served is not logged, and no"
            " change of the spec can be applied",
            "free some space there, or move state_directory",
        )
    message = f"{size(free)} are free; min_free is {size(wanted)}"
    fix = "free some space, or write a smaller cache.size"
    if not plan.disk.writable:
        return fail("space", f"{message}: nothing new is stored", fix)
    if free < wanted:
        return warn("space", f"{message}: what was read longest ago is dropped", fix)
    return ok("space", message)


def _free(directory: str) -> int:
    """Return the bytes that are free where a directory is, or is to be."""
    place = Path(directory)
    while not place.exists():
        place = place.parent
    facts = os.statvfs(place)
    return facts.f_bavail * facts.f_frsize


def check_running(instance: Instance, health: Health | None) -> Check:
    """Compare what is served with what the spec says now."""
    site, wanted = instance.plan.site, instance.rendering
    if health is None:
        return _silent_instance(site)
    serves = f"serves generation {health.generation}"
    if health.generation == wanted.generation:
        return ok("instance", f"{serves}, which is what the spec says")
    if not Path(site.live).is_dir():
        return ok("instance", f"{serves}, which others than `passthru up` have rendered")
    live = read_generation(site, health.generation)
    if live is not None and is_alike(live, wanted):
        return ok("instance", f"{serves}, the spec's but for the addresses of upstreams")
    owner = _owner_of(site.state)
    if owner != os.geteuid():
        message = f"{serves}; whether that is the spec's only its user ({owner}) can tell"
        return ok("instance", message)
    return warn(
        "instance",
        f"{serves}; the spec says {wanted.generation} now",
        "see what differs with `passthru render --diff`, then run `passthru apply`",
    )


def _silent_instance(site: Site) -> Check:
    try:
        ask_health(site)
    except PassthruError as error:
        return fail("instance", error.message, error.hint)
    return fail("instance", "it did not answer just now", "run `passthru doctor` again")


def _other_owner(path: str) -> str | None:
    """Say who can tell, where what we see of the instance is another user's; root sees all."""
    owner = _owner_of(path)
    if owner is None or os.geteuid() in {0, owner}:
        return None
    return f"they are of another user's instance: run it as {_name_of(owner)}"


def _name_of(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"


def _owner_of(path: str) -> int | None:
    try:
        return Path(path).stat().st_uid
    except OSError:
        return None
