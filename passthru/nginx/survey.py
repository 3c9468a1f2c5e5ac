"""Look at the machine, so that planning need not; reads, never writes, and asks no network."""

import grp
import hashlib
import os
import pwd
import resource
import socket
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from passthru.errors import PassthruError
from passthru.nginx.machine import Machine
from passthru.spec.address import is_address
from passthru.spec.listening import LOCAL

_USERS: Final = ("passthru", "www-data", "nginx", "http", "nobody")
"""Whom nginx's workers become, first found: our own, Debian's, Fedora's and NixOS's, Arch's."""

_CA_BUNDLES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Arch, NixOS
    "/etc/ssl/certs/ca-bundle.crt",  # NixOS, openSUSE
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",  # Alpine, macOS
)


def look_at_machine(
    addresses: Mapping[str, tuple[str, ...]] | None = None,
    *,
    credentials: Mapping[str, str] | None = None,
    environment: Mapping[str, str] = os.environ,
    resolv_conf: Path = Path("/etc/resolv.conf"),
) -> Machine:
    """Return the facts of this machine.

    `addresses` are those of `names.Names`, `credentials` those of `credentials.read_credentials`.
    """
    root = os.geteuid() == 0
    cache, state, runtime = _directories(environment, root=root)
    user, group = _worker() if root else (None, None)
    name = socket.gethostname()
    ipv6_route = has_ipv6_route()
    return Machine(
        name=_label(name),
        root=root,
        user=user,
        group=group,
        open_files=_open_files(),
        ipv6=_can_listen_on_ipv6(),
        ipv6_route=ipv6_route,
        resolvers=read_resolvers(resolv_conf),
        ca_bundle=_ca_bundle(environment),
        cache_directory=cache,
        state_directory=state,
        runtime_directory=runtime,
        instance=_instance(name, state),
        local_addresses=_local_addresses(environment),
        credentials=credentials or {},
        addresses={
            host: reachable(known, ipv6_route=ipv6_route)
            for host, known in (addresses or {}).items()
        },
    )


def reachable(addresses: tuple[str, ...], *, ipv6_route: bool) -> tuple[str, ...]:
    """Leave out IPv6 addresses that no route leads to, unless there are no others."""
    if ipv6_route:
        return addresses
    usable = tuple(a for a in addresses if ":" not in a or ip_address(a).is_loopback)
    return usable or addresses


def read_resolvers(resolv_conf: Path) -> tuple[str, ...]:
    """Return the name servers of resolv.conf as nginx writes them; none if it cannot be read."""
    try:
        text = resolv_conf.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ()
    found: list[str] = []
    for line in text.splitlines():
        words = line.split()
        if len(words) < 2 or words[0] != "nameserver":  # noqa: PLR2004 - keyword and address
            continue
        try:
            address = ip_address(words[1])
        except ValueError:  # also a link-local one with a scope that nginx has no syntax for
            continue
        if "%" not in words[1]:
            found.append(f"[{address}]" if address.version == 6 else str(address))  # noqa: PLR2004
    return tuple(dict.fromkeys(found))


def has_ipv6_route() -> bool:
    """Tell whether a packet to the IPv6 internet would leave this machine; none is sent."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.connect(("2000::1", 9))
    except OSError:
        return False
    return True


def _can_listen_on_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def _directories(environment: Mapping[str, str], *, root: bool) -> tuple[str, str, str]:
    """Return where cache, state and runtime files go by default (XDG base directories 0.8)."""
    if root:
        return "/var/cache/passthru", "/var/lib/passthru", "/run/passthru"
    home = environment.get("HOME") or _home()

    def base(variable: str, fallback: str) -> str:
        value = environment.get(variable, "")
        return value.rstrip("/") if value.startswith("/") else fallback

    state = f"{base('XDG_STATE_HOME', f'{home}/.local/state')}/passthru"
    runtime = base("XDG_RUNTIME_DIR", "")
    return (
        f"{base('XDG_CACHE_HOME', f'{home}/.cache')}/passthru",
        state,
        f"{runtime}/passthru" if runtime else f"{state}/run",
    )


def _local_addresses(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return $PASSTHRU_LISTEN, words of addresses; raises PassthruError for what is none."""
    words = tuple(environment.get("PASSTHRU_LISTEN", "").split())
    for word in words:
        if word != "*" and not is_address(word):
            raise PassthruError(
                f"PASSTHRU_LISTEN names {word}, which is no IP address",
                hint='write addresses, or "*" for all, with blanks between',
            )
    return words or LOCAL


def _home() -> str:
    """Return the home directory of our user, who may be one that no file tells of (DynamicUser=)."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_dir
    except KeyError:
        return "/nonexistent"


def _worker() -> tuple[str, str]:
    for name in _USERS:
        try:
            user = pwd.getpwnam(name)
            return name, grp.getgrgid(user.pw_gid).gr_name
        except KeyError:
            continue
    return "root", "root"


def _open_files() -> int:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return 65536 if hard == resource.RLIM_INFINITY else hard


def _ca_bundle(environment: Mapping[str, str]) -> str:
    named = (environment.get(name, "") for name in ("SSL_CERT_FILE", "NIX_SSL_CERT_FILE"))
    for path in (*named, *_CA_BUNDLES):
        if path.startswith("/") and Path(path).is_file():
            return path
    return _CA_BUNDLES[0]


def _instance(name: str, state: str) -> str:
    """Return digits that no other instance has: of this machine, its name and our directory."""
    try:
        machine = Path("/etc/machine-id").read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        machine = ""
    return hashlib.sha256(f"passthru {machine} {name} {state}".encode()).hexdigest()[:8]


def _label(name: str) -> str:
    """Return a host name's first label, as far as it can stand in a URL."""
    label = "".join(c if c.isascii() and c.isalnum() else "-" for c in name.partition(".")[0])
    return label.strip("-").lower() or "localhost"
