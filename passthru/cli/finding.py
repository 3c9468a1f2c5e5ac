"""What `passthru check` finds: values, and the pure rules that make them."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from passthru.errors import PassthruError, Problem, SpecError
    from passthru.nginx.capabilities import Capabilities
    from passthru.nginx.plan import Plan

FULLEST: Final = 0.85
"""The share of a file system that a cache may be told to fill; it overshoots between passes."""

EVERYWHERE: Final = frozenset({"*", "0.0.0.0", "[::]"})  # noqa: S104 - compared with, not bound to
"""Hosts that stand for all addresses of their family."""

PRIVILEGED: Final = 1024
"""Ports below this are root's, unless the machine says otherwise."""


class Severity(StrEnum):
    """How bad it is: an error keeps passthru from working, a warning may, a note never."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know; `code` never changes, the words may."""

    code: str
    severity: Severity
    where: str
    message: str
    hint: str | None = None
    details: tuple[str, ...] = ()
    """Lines quoted from somebody else, such as nginx."""


def spec_findings(error: SpecError) -> tuple[Finding, ...]:
    """Return a finding for each fault of a spec."""
    return tuple(
        Finding("spec-invalid", Severity.ERROR, problem.where, problem.message, problem.hint)
        for problem in error.problems
    )


def failure_finding(code: str, where: str, error: PassthruError) -> Finding:
    """Return the finding that an error amounts to."""
    lines: tuple[str, ...] = getattr(error, "lines", ())
    return Finding(code, Severity.ERROR, where, error.message, error.hint, lines)


def nginx_finding(binary: str, capabilities: Capabilities) -> Finding:
    """Say which nginx it is."""
    return Finding("nginx-version", Severity.NOTE, binary, f"this is nginx {capabilities.version}")


def doubtful(remarks: Iterable[Problem]) -> Iterator[Finding]:
    """Pass on what the spec remarks of itself: right, and perhaps not what its writer means."""
    for remark in remarks:
        yield Finding("doubtful", Severity.NOTE, remark.where, remark.message, remark.hint)


def unknown_names(plan: Plan) -> Iterator[Finding]:
    """Name the upstreams that have no address now."""
    for upstream in plan.upstreams:
        if not upstream.servers:
            yield Finding(
                "upstream-unknown",
                Severity.WARNING,
                f"{upstream.spec_key}.url",
                f"the name {upstream.host} cannot be looked up from here, now",
                "passthru starts without it, and goes on looking",
            )


def size_finding(size: int, total: int, directory: str) -> Finding | None:
    """Compare what the cache may hold with the whole file system, both in bytes."""
    if size <= total * FULLEST:
        return None
    return Finding(
        "cache-too-large",
        Severity.WARNING,
        "cache.size",
        f"{_gigabytes(size)} is more than {FULLEST:.0%} of the file system of {directory},"
        f" which has {_gigabytes(total)}",
        f'write size = "{max(1, int(total * FULLEST) >> 30)}G" or less',
    )


def listen_finding(
    address: str, port: int, error: OSError, *, held: Collection[str] = ()
) -> Finding | None:
    """Say why nginx will not listen there; the running instance of this spec has what is `held`."""
    where = f"{address}"
    match error.errno:
        case errno.EADDRINUSE if address in held:
            return None
        case errno.EADDRINUSE if own := _overlapping(address, held):
            return Finding(
                "restart-needed",
                Severity.WARNING,
                where,
                f"the running passthru has {own} itself, and nginx cannot exchange the two",
                "stop `passthru up` and start it again with this spec; `passthru apply` would fail",
            )
        case errno.EADDRINUSE:
            return Finding(
                "address-in-use",
                Severity.WARNING,
                where,
                "somebody else listens here",
                f"stop it (`ss -ltnp 'sport = :{port}'` names it), or choose another listen.port",
            )
        case errno.EACCES:
            return Finding(
                "port-privileged",
                Severity.ERROR,
                where,
                f"port {port} is below {PRIVILEGED}, and this user may not listen on it",
                'write mode = "local" or a listen.port above 1023, or run it as root or under'
                " systemd with AmbientCapabilities=CAP_NET_BIND_SERVICE",
            )
        case errno.EADDRNOTAVAIL:
            return Finding(
                "address-not-here",
                Severity.ERROR,
                where,
                "this machine does not have this address",
                'write addresses = ["*"] in [listen], or an address that `ip address` shows',
            )
    reason = (error.strerror or str(error)).lower()
    return Finding("address-unusable", Severity.ERROR, where, reason)


def _overlapping(address: str, held: Collection[str]) -> str | None:
    """Return the address of `held` that one socket cannot have while another has `address`."""
    host, _, port = address.rpartition(":")
    for other in sorted(held):
        other_host, _, other_port = other.rpartition(":")
        same_family = (":" in host) == (":" in other_host)
        if port == other_port and same_family and EVERYWHERE & {host, other_host}:
            return other
    return None


def file_finding(kind: str, path: str, file: str) -> Finding:
    """Say that `file`, at or above `path`, is no directory."""
    return Finding(
        "directory-is-a-file",
        Severity.ERROR,
        kind,
        f"{file} is not a directory" + ("" if file == path else f", and {path} is to be in it"),
        "choose another directory, or move it away",
    )


def closed_finding(kind: str, user: str, directory: str) -> Finding:
    """Say that nginx's workers, who are `user`, may not enter a directory on the way."""
    return Finding(
        "directory-closed",
        Severity.WARNING,
        kind,
        f"nginx's workers run as user {user}, who may not enter {directory}",
        f"chmod o+x {directory}, or choose another directory",
    )


def directory_finding(kind: str, path: str, owner: str) -> Finding:
    """Say that `owner`, an existing directory at or above `path`, cannot be written to."""
    return Finding(
        "directory-not-writable",
        Severity.WARNING,
        f"{kind}",
        f"this user cannot write to {owner}, where {path} is to be",
        "run passthru as another user, or choose another directory",
    )


def _gigabytes(count: int) -> str:
    return f"{count / 2**30:.1f} GiB"
