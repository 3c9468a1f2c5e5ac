"""Checks of `passthru doctor` of what the running instance gives: answers, figures, a place on the LAN."""

from __future__ import annotations

import http.client
import secrets
import socket
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Final

from passthru.cli.checkup import Check, fail, ok, skipped, warn
from passthru.cli.figures import find_snapshot
from passthru.cli.output import size
from passthru.errors import NotRunningError, PassthruError
from passthru.inquiry.ask import ask
from passthru.nginx.health import parse_health
from passthru.nginx.lan import is_announced
from passthru.nix.base32 import ALPHABET
from passthru.stats.neighbours import read_neighbours

if TYPE_CHECKING:
    from passthru.cli.instance import Instance
    from passthru.nginx.listening import Listen

_NOT_FOUND: Final = 404
_DIGITS: Final = 32
_PATIENCE: Final = 8.0
_FAR_BEHIND: Final = 8 << 20
_ELSEWHERE: Final = ("192.0.2.1", 9)
"""An address that nobody has (RFC 5737): asked which of ours leads there, and sent nothing."""


def check_way(instance: Instance) -> Check:
    """Ask twice for a path that cannot exist: asked of the upstreams first, remembered then.

    Nothing is stored: nginx keeps a 404 in memory, for `missing_ttl`.
    """
    target = f"/{''.join(secrets.choice(ALPHABET) for _ in range(_DIGITS))}.narinfo"
    details: tuple[str, ...] = (
        f"asked for {target}, which nobody has, and of which nothing is stored",
    )
    try:
        first, second = (
            ask(instance.plan.site.socket, target, seconds=_PATIENCE) for _ in range(2)
        )
    except NotRunningError as error:
        return fail("way through", error.message, "see the error log", *details)
    said = tuple(reply.headers.get("x-cache-status") for reply in (first, second))
    told = f"{first.status} {said[0]}, then {second.status} {said[1]}"
    if (first.status, second.status) == (_NOT_FOUND, _NOT_FOUND):
        if said == ("MISS", "HIT"):
            return ok("way through", f"{told}: upstreams are asked, and answers kept", *details)
        return warn("way through", f"{told}, not MISS and HIT", "see the error log", *details)
    line = first.body[:200].decode("ascii", "replace").strip()
    details = (*details, line) if line.isprintable() else details
    return fail("way through", told, "see the upstreams above, and the error log", *details)


def check_reachable(instance: Instance) -> Check:
    """Connect to this machine's own address on the network, as a client would."""
    plan = instance.plan
    if plan.loopback_only:
        return skipped("network", "it serves this machine alone")
    address = _lan_address()
    if address is None:
        return warn("network", "this machine has no way to any network", "plug it in")
    listen = _listen_for(address, plan.listens)
    if listen is None:
        where = ", ".join(one.address for one in plan.listens)
        return skipped("network", f"it listens on {where}, and not on {address}")
    place = f"{address}:{listen.port}"
    try:
        generation = _ask_over_network(address, listen)
    except (OSError, http.client.HTTPException, PassthruError) as fault:
        fix = f"see what listens there: `ss -ltnp 'sport = :{listen.port}'`"
        return fail("network", f"{place}: {str(fault).lower()}", fix)
    running = f"answers on {place} with generation {generation}"
    return ok("network", running, *_firewall(listen.port))


def _lan_address() -> str | None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_ELSEWHERE)
        except OSError:
            return None
        address: str = probe.getsockname()[0]
        return address


def _listen_for(address: str, listens: tuple[Listen, ...]) -> Listen | None:
    hosts = {address, "*", "0.0.0.0"}  # noqa: S104 - compared with, not bound to
    return next((one for one in listens if one.address.rpartition(":")[0] in hosts), None)


def _ask_over_network(address: str, listen: Listen) -> str:
    """Return the generation that answers there; raises OSError, HTTPException and NginxError."""
    if listen.tls:
        # Who it is, is known by its generation; the certificate has a check of its own.
        trusting = ssl._create_unverified_context()  # noqa: S323, SLF001 - see above
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            address, listen.port, timeout=_PATIENCE / 2, context=trusting
        )
    else:
        connection = http.client.HTTPConnection(address, listen.port, timeout=_PATIENCE / 2)
    try:
        connection.request("GET", "/health")
        return parse_health(connection.getresponse().read(65536)).generation
    finally:
        connection.close()


def _firewall(port: int) -> tuple[str, ...]:
    """Say how to open a port, where a firewall is known to be there."""
    if "ENABLED=yes" in _text(Path("/etc/ufw/ufw.conf")):
        return (f"ufw is on; if others cannot reach it: ufw allow {port}/tcp",)
    if Path("/run/firewalld").exists():
        return (f"firewalld is on; if others cannot: firewall-cmd --add-port={port}/tcp",)
    if Path("/etc/NIXOS").exists():
        return (f"if others cannot: networking.firewall.allowedTCPPorts = [ {port} ];",)
    return ("from this machine, which no firewall shows; try it from another too",)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def check_announcement(instance: Instance) -> Check:
    """See that what is announced by mDNS is heard here too."""
    if not is_announced(instance.spec):
        return skipped("mdns", "it is not announced")
    path = Path(instance.plan.site.runtime, "neighbours.json")
    fix = "look at what `passthru mdns` says; `passthru up` runs it"
    if not path.exists():
        return fail("mdns", "nobody listens for announcements here", fix)
    heard = read_neighbours(path)
    others = sum(not one.ourselves for one in heard)
    if others == len(heard):
        return warn("mdns", "our own announcement is not heard", fix)
    return ok("mdns", f"announced, and heard; {others} other caches on this network")


def check_fills(instance: Instance) -> Check:
    """See that who lets followers read along answers; what we ask is no question of nginx's."""
    if not instance.plan.follows:
        return skipped("fills", "nothing is followed: this nginx or its disk does not allow it")
    try:
        ask(instance.plan.site.fills, "/", seconds=_PATIENCE / 2)
    except NotRunningError as error:
        return warn(
            "fills",
            f"{error.message}: who wants a NAR that is on its way waits until it is whole",
            "look at what `passthru fills` says; `passthru up` runs it",
        )
    return ok("fills", "answers: a NAR that is on its way is read along")


def check_exporter(instance: Instance) -> Check:
    """See that the figures are there, and of now."""
    if not instance.spec.status.enable:
        return skipped("figures", "status.enable is false")
    try:
        snapshot = find_snapshot(instance.plan.site, instance.spec.status.path).snapshot
    except NotRunningError as error:
        return fail("figures", error.message, "look at what `passthru exporter` says")
    reading = snapshot.log
    told = f"{reading.lines} lines of the log were read, {size(reading.behind_bytes)} are left"
    if reading.behind_bytes > _FAR_BEHIND:
        return warn("figures", told, "they are late, and will catch up when it is quieter")
    if reading.unparsable_lines:
        message = f"{told}; {reading.unparsable_lines} were not understood"
        return warn("figures", message, "another program writes to access.log, or did")
    return ok("figures", told)
