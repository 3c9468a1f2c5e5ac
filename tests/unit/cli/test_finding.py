"""The rules of `passthru check`, on values."""

import errno

import pytest

from passthru.cli.finding import (
    FULLEST,
    Finding,
    Severity,
    closed_finding,
    directory_finding,
    doubtful,
    failure_finding,
    file_finding,
    listen_finding,
    nginx_finding,
    size_finding,
    spec_findings,
)
from passthru.errors import NginxError, Problem, SpecError
from passthru.nginx.capabilities import parse_capabilities
from passthru.spec import find_remarks, parse_spec
from tests.checkout import ROOT

NGINX = (ROOT / "tests/golden/nginx-V/debian-12.txt").read_text()


def test_a_bad_spec_is_a_finding_a_problem() -> None:
    """Each fault has its place and what to write."""
    error = SpecError((Problem("a", "is wrong", "write b"), Problem("c", "is odd")))

    assert spec_findings(error) == (
        Finding("spec-invalid", Severity.ERROR, "a", "is wrong", "write b"),
        Finding("spec-invalid", Severity.ERROR, "c", "is odd"),
    )


def test_nginx_speaks_for_itself() -> None:
    """Its own lines are quoted, not retold."""
    found = failure_finding("nginx-refuses", "nginx.conf", NginxError("no", lines=("[emerg] x",)))

    assert found.details == ("[emerg] x",)


def test_what_is_doubtful_is_a_note() -> None:
    """A key that does nothing in this mode is told, and stops nobody."""
    found = list(doubtful(find_remarks(parse_spec("[listen]\ntls_port = 8443\n"))))

    assert [(one.where, one.severity) for one in found] == [("listen.tls_port", Severity.NOTE)]
    assert list(doubtful(find_remarks(parse_spec("")))) == []


def test_nginx_is_named() -> None:
    """Which nginx would run is a note, and no problem."""
    found = nginx_finding("/nginx", parse_capabilities(NGINX))

    assert (found.code, found.severity) == ("nginx-version", Severity.NOTE)
    assert parse_capabilities(NGINX).version in found.message


def test_a_cache_that_fills_the_disk_is_warned_of() -> None:
    """It overshoots between two passes of its manager, so the last 15 % are not the cache's."""
    total = 1000 << 30
    fits = int(total * FULLEST)
    found = size_finding(fits + 1, total, "/cache")

    assert size_finding(fits, total, "/cache") is None
    assert found is not None
    assert found.severity is Severity.WARNING
    assert found.hint == 'write size = "850G" or less'


@pytest.mark.parametrize(
    ("number", "code", "severity"),
    [
        (errno.EACCES, "port-privileged", Severity.ERROR),
        (errno.EADDRINUSE, "address-in-use", Severity.WARNING),
        (errno.EADDRNOTAVAIL, "address-not-here", Severity.ERROR),
        (errno.EMFILE, "address-unusable", Severity.ERROR),
    ],
)
def test_each_reason_not_to_listen_has_its_code(number: int, code: str, severity: Severity) -> None:
    """A port below 1024 without root is an error; a port in use may be free by then."""
    found = listen_finding("*:80", 80, OSError(number, "no"))

    assert found is not None
    assert (found.code, found.severity, found.where) == (code, severity, "*:80")


def test_a_privileged_port_has_three_ways_out() -> None:
    """The hint names the mode, the port and the capability."""
    found = listen_finding("*:80", 80, OSError(errno.EACCES, "no"))

    assert found is not None
    assert found.hint is not None
    for way in ('mode = "local"', "listen.port above 1023", "CAP_NET_BIND_SERVICE"):
        assert way in found.hint


def test_our_own_instance_is_not_in_the_way() -> None:
    """`check` beside a running instance finds its port in use, rightly."""
    in_use = OSError(errno.EADDRINUSE, "no")

    assert listen_finding("*:80", 80, in_use, held={"*:80", "[::]:80"}) is None


@pytest.mark.parametrize(
    ("address", "held"),
    [
        ("*:80", "127.0.0.1:80"),
        ("0.0.0.0:80", "10.0.0.1:80"),
        ("127.0.0.1:80", "*:80"),
        ("[::]:80", "[::1]:80"),
    ],
)
def test_our_own_instance_is_in_the_way_of_all_addresses(address: str, held: str) -> None:
    """Nginx opens the new socket before it closes the old one, so only a restart helps."""
    found = listen_finding(address, 80, OSError(errno.EADDRINUSE, "no"), held={held})

    assert found is not None
    assert (found.code, found.severity) == ("restart-needed", Severity.WARNING)
    assert held in found.message


@pytest.mark.parametrize("held", ["127.0.0.1:81", "[::1]:80", "127.0.0.2:80"])
def test_somebody_else_may_be_in_the_way_beside_our_own(held: str) -> None:
    """Another port, another family and another single address of ours explain nothing."""
    address = "127.0.0.1:80" if held == "127.0.0.2:80" else "*:80"
    found = listen_finding(address, 80, OSError(errno.EADDRINUSE, "no"), held={held})

    assert found is not None
    assert found.code == "address-in-use"


def test_a_closed_directory_is_a_warning() -> None:
    """Who checks need not be who runs."""
    assert directory_finding("cache.directory", "/a/b", "/a").severity is Severity.WARNING


@pytest.mark.parametrize(("path", "words"), [("/a", "/a is not"), ("/a/b", "and /a/b is to be in")])
def test_a_file_in_place_of_a_directory_is_an_error(path: str, words: str) -> None:
    """No user can make a directory there."""
    found = file_finding("cache.directory", path, "/a")

    assert found.severity is Severity.ERROR
    assert words in found.message


def test_a_directory_closed_to_the_workers_says_what_to_type() -> None:
    """The way in is what `up` would say, before it."""
    found = closed_finding("cache.directory", "www-data", "/a")

    assert found.severity is Severity.WARNING
    assert found.hint is not None
    assert "chmod o+x /a" in found.hint
