"""Whole closures, substituted through passthru by real clients that check signatures."""

from collections import Counter
from collections.abc import Callable

import pytest

from tests.nginx.origin import Origin
from tests.nix.clients import SUITES, Client
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


@pytest.mark.parametrize("nix", SUITES[:1], indirect=True)
def test_a_closure_whose_nars_are_on_another_host(
    new_client: Callable[..., Client], upstream: Upstream, start: StartPassthru
) -> None:
    """Narinfos with absolute URLs: every NAR comes through the cache, and once, and stays."""
    with Origin(folder=upstream.folder, host="127.0.0.2") as store, Origin() as origin:
        for path in upstream.paths:
            place = upstream.narinfo(path)
            text = (upstream.folder / place[1:]).read_bytes()
            url = f"\nURL: {store.url}/nar/".encode()
            origin.files[place] = text.replace(b"\nURL: nar/", url)
        cache = start({"url": origin.url, "redirect_hosts": ["127.0.0.2"]})
        first, second = new_client(), new_client()

        cold = first.substitute(upstream.top, caches=(cache.address,), keys=(upstream.public_key,))
        asked = Counter(request.path for request in store.requests)
        origin.stop()
        store.stop()
        warm = second.substitute(upstream.top, caches=(cache.address,), keys=(upstream.public_key,))

    assert (cold.code, warm.code) == (0, 0), cold.err + warm.err
    assert upstream.paths == first.paths() == second.paths()
    assert asked == Counter(upstream.nar(path) for path in upstream.paths)
    assert {r.headers["user-agent"].partition("/")[0] for r in store.requests} == {"passthru"}


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
