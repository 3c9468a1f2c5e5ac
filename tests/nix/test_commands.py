"""The other commands of Nix that read a cache."""

import json
from collections.abc import Callable

import pytest

from tests.nginx.origin import Origin
from tests.nix.clients import Client
from tests.nix.conftest import StartPassthru
from tests.nix.upstream import GRAPH, Upstream

pytestmark = pytest.mark.nix


def test_copy_from(
    new_client: Callable[..., Client], upstream: Upstream, origin: Origin, start: StartPassthru
) -> None:
    """`nix copy --from` brings the closure, signatures checked."""
    cache, client = start(origin.url), new_client()

    client.succeed(
        *("nix", "copy", "--from", cache.address, "--to", client.store, upstream.top),
        *("--option", "trusted-public-keys", upstream.public_key),
    )

    assert upstream.paths == client.paths()


def test_path_info_ls_cat_and_log(
    new_client: Callable[..., Client], upstream: Upstream, origin: Origin, start: StartPassthru
) -> None:
    """Questions about a path in the cache have the upstream's answers."""
    cache, client, path = start(origin.url), new_client(), upstream.named("node-1")
    at = ("--store", cache.address)

    told = json.loads(client.succeed("nix", "path-info", *at, "--json", path))
    listed = client.succeed("nix", "store", "ls", *at, "--recursive", path).split()
    text = client.succeed("nix", "store", "cat", *at, f"{path}/share/id")
    log = client.succeed("nix", "log", *at, path)

    assert upstream.narinfo_field(path, "Sig") in json.dumps(told)
    assert "./bin/run" in listed
    assert text == "node 1 of passthru\n"
    assert log.strip() == "built node 1"


def test_a_content_addressed_derivation_is_not_built(
    new_client: Callable[..., Client], upstream: Upstream, origin: Origin, start: StartPassthru
) -> None:
    """The output of a content-addressed derivation is found by its realisation."""
    cache, client = start(origin.url), new_client()

    built = client.succeed(
        *("nix-build", GRAPH, "--attr", "floating", "--no-out-link", "--store", client.store),
        *("--option", "substituters", cache.address, "--option", "max-jobs", "0"),
        *client.nix.without_hook,
        *("--option", "trusted-public-keys", upstream.public_key),
    )

    assert built.strip() == upstream.floating
    assert origin.seen("^/realisations/")
