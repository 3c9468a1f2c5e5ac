"""What clients do when passthru, their first cache, cannot ask its upstream and a second cache can.

Until 2.31 a failing narinfo ends the build, whatever caches come next; `on_outage = "miss"` is for
networks with such clients.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import pytest

from tests.nginx.origin import Fault, Origin
from tests.nix.clients import Client
from tests.nix.conftest import StartPassthru, serve
from tests.nix.upstream import Upstream

pytestmark = pytest.mark.nix

ASKS_THE_NEXT: Final = (2, 32)


@dataclass(frozen=True, slots=True)
class Outage:
    """An upstream that is out, and how often a client shall ask for what it has not."""

    origin: Origin
    attempts: int


@pytest.fixture(params=["refused", "silent"])
def outage(request: pytest.FixtureRequest, upstream: Upstream) -> Iterator[Outage]:
    """Let an upstream refuse connections, or take requests and never answer."""
    with serve(upstream) as server:
        if request.param == "refused":
            server.stop()
            yield Outage(server, attempts=5)
        else:
            server.fail(Fault(silent=True))
            yield Outage(server, attempts=2)  # each takes a second and more


def test_an_outage_is_an_error(
    new_client: Callable[..., Client],
    upstream: Upstream,
    origin: Origin,
    outage: Outage,
    start: StartPassthru,
) -> None:
    """An outage is told as 502 or 504: older clients stop there, newer ones ask the next cache."""
    cache = start({"url": outage.origin.url, "read_timeout": "1s"})
    client, path = new_client(), upstream.named("large-1")

    run = client.substitute(
        path,
        caches=(cache.address, origin.url),
        keys=(upstream.public_key,),
        attempts=outage.attempts,
    )

    answers = {line.status for line in cache.logged(2) if line.path == upstream.narinfo(path)}
    assert answers <= {502, 504}
    assert answers
    assert (run.code == 0) == (client.nix.number >= ASKS_THE_NEXT), run.err
    assert bool(origin.seen("narinfo$")) == (client.nix.number >= ASKS_THE_NEXT)
    assert "not a miss" in run.err


def test_an_outage_can_be_a_miss(
    new_client: Callable[..., Client],
    upstream: Upstream,
    origin: Origin,
    outage: Outage,
    start: StartPassthru,
) -> None:
    """With `on_outage = "miss"` every client goes on to the next cache at once."""
    cache = start({"url": outage.origin.url, "read_timeout": "1s"}, on_outage="miss")
    client, path = new_client(), upstream.named("large-1")

    run = client.substitute(path, caches=(cache.address, origin.url), keys=(upstream.public_key,))

    asked = [line for line in cache.logged(2) if line.path == upstream.narinfo(path)]
    assert run.code == 0, run.err
    assert client.paths() == {path}
    assert {line.status for line in asked} == {404}
