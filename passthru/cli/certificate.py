"""What is wrong with a certificate of our own, before clients find out; pure but for the reading."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final

from passthru.cli.finding import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography import x509

SOON_DAYS: Final = 14
"""Days before its end from which on a certificate is warned of."""

_RENEW: Final = "renew it, then run `passthru apply`"


@dataclass(frozen=True, slots=True)
class Certificate:
    """What clients look at. Moments are seconds since 1970."""

    begins: float
    ends: float
    names: tuple[str, ...]
    """Names and addresses, as they stand in it."""

    def days_left(self, now: float) -> int:
        """Return whole days until its end; negative after it."""
        return int((self.ends - now) // 86400)


def read_certificate(path: str) -> Certificate | None:
    """Return the first certificate of a PEM file; None if it has none or cannot be read."""
    from cryptography import x509  # noqa: PLC0415 - slow, and only mode "tls" needs it

    try:
        found = x509.load_pem_x509_certificates(Path(path).read_bytes())[0]
        return Certificate(
            found.not_valid_before_utc.timestamp(),
            found.not_valid_after_utc.timestamp(),
            _names_of(found),
        )
    except (OSError, ValueError, IndexError, x509.DuplicateExtension):
        return None


def certificate_findings(
    certificate: Certificate, host_name: str, *, now: float
) -> Iterator[Finding]:
    """Yield what clients that ask for `host_name` will not like about it, now or soon."""
    where = "tls.certificate"
    days = certificate.days_left(now)
    if certificate.ends <= now:
        yield Finding(
            "certificate-expired",
            Severity.ERROR,
            where,
            f"it ended on {_day(certificate.ends)}, and clients refuse it",
            _RENEW,
        )
    elif days < SOON_DAYS:
        left = f"in {days} days" if days > 1 else "within two days"
        yield Finding(
            "certificate-ends-soon",
            Severity.WARNING,
            where,
            f"it ends {left}, on {_day(certificate.ends)}",
            _RENEW,
        )
    if certificate.begins > now:
        yield Finding(
            "certificate-not-yet-valid",
            Severity.ERROR,
            where,
            f"it begins on {_day(certificate.begins)}, and clients refuse it until then",
            "look at this machine's clock, or wait",
        )
    if not any(_covers(name, host_name) for name in certificate.names):
        names = ", ".join(certificate.names[:4]) or "no name at all"
        yield Finding(
            "certificate-of-another",
            Severity.WARNING,
            where,
            f"it is for {names}, not for {host_name}, the name that clients are given",
            "write that name as host_name, or get a certificate for this one",
        )


def _covers(name: str, host: str) -> bool:
    """Tell whether a certificate's name is `host`, as RFC 6125 has it."""
    name, host = name.lower(), host.lower().rstrip(".")
    return name == host or (
        name.startswith("*.") and host.partition(".")[2] == name[2:] and not _is_address(host)
    )


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _names_of(certificate: x509.Certificate) -> tuple[str, ...]:
    from cryptography import x509  # noqa: PLC0415 - as above

    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    hosts = names.get_values_for_type(x509.DNSName)
    return (*hosts, *(str(a) for a in names.get_values_for_type(x509.IPAddress)))


def _day(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")
