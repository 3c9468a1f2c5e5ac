"""Uploads are refused so that every client stops at once and says why."""

import os
from collections.abc import Callable

import pytest

from tests.nginx.origin import Origin
from tests.nix.clients import Client
from tests.nix.conftest import StartPassthru

pytestmark = pytest.mark.nix


@pytest.mark.parametrize("size", [1_000, 3_000_000])
def test_copy_to_is_refused(
    new_client: Callable[..., Client], origin: Origin, start: StartPassthru, size: int
) -> None:
    """`nix copy --to` ends at the first PUT, with our line of text and without a retry."""
    cache, client = start(origin.url), new_client()
    source = client.folder / f"of-{size}-bytes"
    source.write_bytes(os.urandom(size))
    path = client.succeed("nix", "store", "add-path", "--store", client.store, source).strip()

    target = f"{cache.address}?compression=none"
    run = client.run("nix", "copy", "--store", client.store, "--to", target, path)

    puts = [line for line in cache.logged(4) if line.method == "PUT"]
    assert run.code != 0
    assert [line.status for line in puts] == [405]
    assert "read-only" in run.err
    assert not origin.seen("", method="PUT")
