"""Our own certificate, before clients find out."""

import time
from pathlib import Path

import pytest

from passthru.cli.certificate import (
    Certificate,
    certificate_findings,
    read_certificate,
)
from passthru.cli.finding import Severity
from tests.nginx.certificates import Authority

NOW = 1_800_000_000.0
DAY = 86400.0


def codes(host: str = "cache.test", **changes: object) -> dict[str, str]:
    """Return what is found about a sound certificate with some changes, by code."""
    fields = {
        "begins": NOW - DAY,
        "ends": NOW + 60 * DAY,
        "names": ("cache.test", "*.lab.test", "192.0.2.7"),
        **changes,
    }
    certificate = Certificate(**fields)  # type: ignore[arg-type] # a test's own fields
    found = certificate_findings(certificate, host, now=NOW)
    return {finding.code: finding.severity for finding in found}


@pytest.mark.parametrize("host", ["cache.test", "CACHE.test.", "a.lab.test", "192.0.2.7"])
def test_sound_certificate(host: str) -> None:
    """Nothing is found where clients find nothing."""
    assert codes(host) == {}


@pytest.mark.parametrize("host", ["other.test", "lab.test", "a.b.lab.test", "192.0.2.8"])
def test_name_is_another(host: str) -> None:
    """A star stands for one label, and for no address."""
    assert codes(host) == {"certificate-of-another": Severity.WARNING}
    assert codes("x", names=()) == {"certificate-of-another": Severity.WARNING}


@pytest.mark.parametrize(
    ("ends", "found"),
    [
        (-1.0, {"certificate-expired": Severity.ERROR}),
        (0.0, {"certificate-expired": Severity.ERROR}),
        (3600.0, {"certificate-ends-soon": Severity.WARNING}),
        (13.9 * DAY, {"certificate-ends-soon": Severity.WARNING}),
        (14.1 * DAY, {}),
    ],
)
def test_end_of_a_certificate(ends: float, found: dict[str, str]) -> None:
    """It is warned of for two weeks, and then it is over."""
    assert codes(ends=NOW + ends) == found


def test_certificate_of_tomorrow() -> None:
    """One that has not begun is refused by clients too."""
    assert codes(begins=NOW + DAY) == {"certificate-not-yet-valid": Severity.ERROR}


def test_file_is_read(tmp_path: Path) -> None:
    """The dates and names are those of the first certificate in it."""
    authority = Authority(tmp_path)
    path, _key = authority.issue("cache.test", days=30)
    path.write_bytes(path.read_bytes() + authority.file.read_bytes())
    certificate = read_certificate(str(path))

    assert certificate is not None
    assert certificate.names == ("cache.test",)
    assert certificate.days_left(time.time()) in {29, 30}
    by_address = read_certificate(str(authority.issue("192.0.2.7")[0]))
    assert by_address is not None
    assert by_address.names == ("192.0.2.7",)


@pytest.mark.parametrize("content", [b"", b"hello", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_file_that_is_no_certificate(tmp_path: Path, content: bytes) -> None:
    """What is wrong with it is nginx's to tell."""
    path = tmp_path / "file"
    path.write_bytes(content)

    assert read_certificate(str(path)) is None
    assert read_certificate(str(tmp_path / "missing")) is None
    assert read_certificate(str(tmp_path)) is None
