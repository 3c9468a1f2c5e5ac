"""What the hard faults of an upstream do to real builds: they end well, and no store has wrong bytes."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import pytest

from tests.faults.promise import Afterwards, Row
from tests.faults.table import TABLE
from tests.nginx.fault import Fault
from tests.nginx.origin import Origin
from tests.nix.clients import Client
from tests.nix.conftest import StartPassthru, serve
from tests.nix.upstream import Upstream

pytestmark = pytest.mark.nix

HARD: Final = {
    "reset before the header",
    "reset in the body",
    "stall in the body",
    "cut before the length is reached",
    "cut between chunks",
    "cut, without length or chunks",
    "503",
    "HTML with 200",
    "right length, wrong bytes",
}
ROWS: Final = tuple(row for row in TABLE if row.name in HARD)
ATTEMPTS: Final = 2


def below_nar(row: Row) -> Fault:
    """Return the fault of a row, for NARs alone."""
    assert isinstance(row.fault, Fault)
    return replace(row.fault, path="^/nar/")


def below_narinfo(row: Row) -> Fault:
    """Return the fault of a row, for narinfos alone, which are shorter than what the table cuts."""
    fault = row.fault
    assert isinstance(fault, Fault)
    cut, reset, stall = (
        limit if limit is None else min(limit, 200)
        for limit in (fault.cut, fault.reset, fault.stall)
    )
    return replace(fault, path="narinfo$", cut=cut, reset=reset, stall=stall)


def test_every_hard_fault_has_its_row() -> None:
    """None was renamed away."""
    assert {row.name for row in ROWS} == HARD


@pytest.mark.parametrize("row", ROWS, ids=[row.key for row in ROWS])
def test_a_build_ends_well(
    row: Row,
    new_client: Callable[..., Client],
    upstream: Upstream,
    origin: Origin,
    start: StartPassthru,
) -> None:
    """A second cache helps while NARs fail; the same client succeeds alone when the fault is over."""
    path, keys = upstream.named("large-1"), (upstream.public_key,)
    cache = start({"url": origin.url, "read_timeout": "1s"})
    origin.fail(below_nar(row))
    helped, alone = new_client(), new_client()

    with serve(upstream) as second:
        caches = (cache.address, second.url)
        both = helped.substitute(path, caches=caches, keys=keys, attempts=ATTEMPTS)
        assert second.seen("^/nar/")
    assert both.code == 0, both.err
    assert helped.paths() == {path}

    failed = alone.substitute(path, caches=(cache.address,), keys=keys, attempts=ATTEMPTS)
    assert failed.code != 0
    assert alone.paths() == frozenset()

    origin.heal()
    again = alone.substitute(path, caches=(cache.address,), keys=keys)
    stays_wrong = row.afterwards is Afterwards.WRONG
    assert (again.code != 0) == stays_wrong, again.err
    assert alone.paths() == (frozenset() if stays_wrong else {path})


@pytest.mark.parametrize("row", ROWS, ids=[row.key for row in ROWS])
def test_a_narinfo_that_fails_leaves_no_trace(
    row: Row,
    new_client: Callable[..., Client],
    upstream: Upstream,
    origin: Origin,
    start: StartPassthru,
) -> None:
    """No client takes a spoilt narinfo, and the same client succeeds when the fault is over."""
    if row.afterwards is Afterwards.WRONG:
        pytest.skip("what is stored wrong stays; the NARs show it")
    path, keys = upstream.named("large-2"), (upstream.public_key,)
    cache = start({"url": origin.url, "read_timeout": "1s"})
    origin.fail(below_narinfo(row))
    client = new_client()

    failed = client.substitute(path, caches=(cache.address,), keys=keys, attempts=ATTEMPTS)
    assert failed.code != 0
    assert client.paths() == frozenset()
    assert not origin.seen("^/nar/")

    origin.heal()
    again = client.substitute(path, caches=(cache.address,), keys=keys)
    assert again.code == 0, again.err
    assert client.paths() == {path}
