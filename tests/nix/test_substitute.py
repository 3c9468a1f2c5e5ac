"""Whole closures, substituted through passthru by real clients that check signatures."""

from collections import Counter
from collections.abc import Callable

import pytest

from tests.nginx.origin import Origin
from tests.nix.clients import Client
from tests.nix.conftest import StartPassthru
from tests.nix.upstream import Upstream

pytestmark = pytest.mark.nix


def test_a_closure_comes_through_and_stays(
    new_client: Callable[..., Client], upstream: Upstream, origin: Origin, start: StartPassthru
) -> None:
    """Every narinfo and NAR is asked for upstream once; a second client needs no upstream."""
    cache = start(origin.url)
    first, second = new_client(), new_client()

    cold = first.substitute(upstream.top, caches=(cache.address,), keys=(upstream.public_key,))
    asked = Counter((r.path, r.headers.get("range", "")) for r in origin.requests)
    origin.stop()
    warm = second.substitute(upstream.top, caches=(cache.address,), keys=(upstream.public_key,))

    wanted = {upstream.narinfo(path) for path in upstream.paths}
    wanted |= {upstream.nar(path) for path in upstream.paths}
    assert (cold.code, warm.code) == (0, 0), cold.err + warm.err
    assert upstream.paths == first.paths() == second.paths()
    assert wanted == {target for target, _ in asked}
    assert {1} == set(asked.values())
    assert asked.total() == len(origin.requests)


def test_a_wrong_key_downloads_no_nar(
    new_client: Callable[..., Client], upstream: Upstream, origin: Origin, start: StartPassthru
) -> None:
    """Signatures pass through untouched: a client that trusts another key takes nothing."""
    cache = start(origin.url)
    client = new_client()
    other = "upstream-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY="

    run = client.substitute(upstream.top, caches=(cache.address,), keys=(other,))

    signed = upstream.paths - {upstream.named("note.txt")}
    assert run.code != 0
    assert not signed & client.paths()
    assert {upstream.narinfo(upstream.top)} <= {r.path for r in origin.requests}
    assert not [
        r for r in origin.seen("^/nar/") if r.path != upstream.nar(upstream.named("note.txt"))
    ]
