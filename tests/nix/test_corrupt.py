"""What a NAR that an upstream got wrong does to clients, once passthru has stored it.

nginx sees a whole answer of the right length and stores it; only a client can tell, from the signed
hash. No client takes it, and each goes on to its next substituter.
"""

from collections.abc import Callable

import pytest

from tests.nginx.commands import type_in
from tests.nginx.origin import Fault, Origin
from tests.nix.clients import Client
from tests.nix.conftest import StartPassthru
from tests.nix.upstream import Upstream

pytestmark = pytest.mark.nix


def test_a_corrupt_nar_is_refused_and_the_next_cache_asked(
    new_client: Callable[..., Client], upstream: Upstream, origin: Origin, start: StartPassthru
) -> None:
    """A corrupt NAR is refused, stays stored when the upstream heals, and a second cache helps."""
    path, keys = upstream.named("large-1"), (upstream.public_key,)
    cache = start(origin.url)
    origin.fail(Fault(f"^{upstream.nar(path)}$", corrupt=True))
    while_broken, once_healed, with_second = new_client(), new_client(), new_client()

    refused = while_broken.substitute(path, caches=(cache.address,), keys=keys)
    origin.heal()
    origin.forget()
    still_refused = once_healed.substitute(path, caches=(cache.address,), keys=keys)
    asked_again = origin.seen("^/nar/")
    helped = with_second.substitute(path, caches=(cache.address, origin.url), keys=keys)

    assert "hash mismatch" in refused.err
    assert "hash mismatch" in still_refused.err
    assert not while_broken.paths() | once_healed.paths()
    assert not asked_again
    assert helped.code == 0, helped.err
    assert with_second.paths() == {path}


def test_a_purged_nar_is_fetched_anew(
    new_client: Callable[..., Client], upstream: Upstream, origin: Origin, start: StartPassthru
) -> None:
    """What `purge` removes under a running cache is right for the next client."""
    path, keys = upstream.named("large-1"), (upstream.public_key,)
    cache = start(origin.url)
    origin.fail(Fault(f"^{upstream.nar(path)}$", corrupt=True, times=1))
    before, after = new_client(), new_client()

    refused = before.substitute(path, caches=(cache.address,), keys=keys)
    spec = str(cache.folder / "passthru.json")
    found = type_in("explain", path, spec, "--verify")
    purged = type_in("purge", path, "--yes", "--spec", spec)
    taken = after.substitute(path, caches=(cache.address,), keys=keys)

    assert "hash mismatch" in refused.err
    assert (found.code, purged.code) == (3, 0)
    assert taken.code == 0, taken.err
    assert after.paths() == {path}


def test_a_cut_nar_is_resumed_and_not_kept(
    new_client: Callable[..., Client], upstream: Upstream, origin: Origin, start: StartPassthru
) -> None:
    """A NAR cut on its way is resumed by the client, and what is stored afterwards is whole."""
    path, keys = upstream.named("large-2"), (upstream.public_key,)
    cache = start(origin.url)
    origin.fail(Fault(f"^{upstream.nar(path)}$", cut=3_000_000, times=1))
    first, second = new_client(), new_client()

    resumed = first.substitute(path, caches=(cache.address,), keys=keys)
    origin.stop()
    stored = second.substitute(path, caches=(cache.address,), keys=keys)

    assert resumed.code == 0, resumed.err
    assert stored.code == 0, stored.err
    assert first.paths() == second.paths() == {path}
