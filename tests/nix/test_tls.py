"""Clients over TLS, with a certificate authority of our own."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.nginx.certificates import Authority
from tests.nginx.origin import Origin
from tests.nix.clients import Client
from tests.nix.conftest import StartPassthru
from tests.nix.running import Passthru
from tests.nix.upstream import Upstream

pytestmark = pytest.mark.nix


@pytest.fixture
def authority(workspace: Path) -> Authority:
    """Return an authority that only its file's readers trust."""
    return Authority(workspace)


@pytest.fixture
def cache(authority: Authority, origin: Origin, start: StartPassthru) -> Passthru:
    """Start a passthru in mode "tls"."""
    certificate, key = authority.issue("127.0.0.1")
    tls = {"certificate": str(certificate), "certificate_key": str(key)}
    return start(origin.url, mode="tls", tls=tls)


def test_a_closure_comes_over_http_2(
    new_client: Callable[..., Client], upstream: Upstream, authority: Authority, cache: Passthru
) -> None:
    """In mode "tls" every client brings the closure over HTTP/2."""
    client = new_client(NIX_SSL_CERT_FILE=str(authority.file))

    run = client.substitute(upstream.top, caches=(cache.address,), keys=(upstream.public_key,))

    asked = cache.logged(2 * len(upstream.paths) + 1)
    assert run.code == 0, run.err
    assert upstream.paths == client.paths()
    assert {line.protocol for line in asked if line.protocol} == {"HTTP/2.0"}


def test_an_upload_is_refused(
    new_client: Callable[..., Client], authority: Authority, cache: Passthru
) -> None:
    """An upload over HTTP/2 ends at its first PUT too, body and all."""
    client = new_client(NIX_SSL_CERT_FILE=str(authority.file))
    source = client.folder / "of-3-megabytes"
    source.write_bytes(os.urandom(3_000_000))
    path = client.succeed("nix", "store", "add-path", "--store", client.store, source).strip()

    target = f"{cache.address}?compression=none"
    run = client.run("nix", "copy", "--store", client.store, "--to", target, path)

    assert run.code != 0
    assert "read-only" in run.err
    assert [line.status for line in cache.logged(4) if line.method == "PUT"] == [405]


def test_an_unknown_authority_is_refused(
    new_client: Callable[..., Client], upstream: Upstream, workspace: Path, cache: Passthru
) -> None:
    """A client that trusts another authority gets nothing, so the test above checks something."""
    other = Authority(workspace, "other")
    client = new_client(NIX_SSL_CERT_FILE=str(other.file))
    once = ("--option", "download-attempts", 1)

    run = client.run("nix", "path-info", "--store", cache.address, upstream.top, *once)

    assert run.code != 0
    assert "SSL" in run.err
