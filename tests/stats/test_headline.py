"""The first sentence an operator reads."""

from dataclasses import replace
from typing import Any

import pytest

from passthru.stats.batch import LastError
from passthru.stats.headline import LATELY, MUCH, make_headline
from passthru.stats.last_apply import LastApply
from passthru.stats.probe import Probe
from passthru.stats.snapshot import Condition, Headline, UpstreamState
from passthru.stats.stub_status import NginxView
from passthru.stats.view import LogView
from tests.stats.views import GIB, NOW, WORLD, view

WELL = {"nixos": UpstreamState.WELL, "lab": UpstreamState.UNKNOWN}
REFUSED = LastApply(
    at=NOW, successful=False, generation="aaaa", succeeded_at=None, error="nginx did not take it"
)


def headline(states: dict[str, UpstreamState] | None = None, **more: Any) -> Headline:  # noqa: ANN401 - as `view`
    """Return the headline of an instance that is well, but for what is given."""
    return make_headline(view(**more), states or WELL)


def world(**more: Any) -> Headline:  # noqa: ANN401 - fields of World
    """Return the headline for something seen."""
    return headline(world=replace(WORLD, **more))


def test_all_is_well() -> None:
    """Nothing to say is said; an upstream that nobody asked yet is no trouble."""
    assert headline() == Headline(condition=Condition.WELL, text="all is well", details=())


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (headline({**WELL, "lab": UpstreamState.DOWN}), "lab is down"),
        (headline({**WELL, "lab": UpstreamState.FAILING}), "lab is failing"),
        (headline(dict.fromkeys(WELL, UpstreamState.DOWN)), "all upstreams are down"),
        (headline({"nixos": UpstreamState.DOWN}), "the upstream is down"),
        (world(available_bytes=9 * GIB), "the disk is nearly full"),
        (world(available_bytes=2 * GIB), "the disk is full"),
        (world(available_bytes=None), "the cache's disk cannot be looked at"),
        (world(last_apply=REFUSED), "the last change of the spec was refused"),
        (headline(log=LogView(fault="cannot read it")), "the figures stand still"),
        (headline(log=LogView(behind_bytes=MUCH + 1)), "the figures are late"),
        (headline(log=LogView(ledger_fault="disk full")), "the figures are not kept"),
        (headline(log=LogView(unparsable_at=NOW - 1)), "the log has lines that are no lines"),
    ],
)
def test_what_wants_attention(made: Headline, text: str) -> None:
    """Each trouble has its words, and one line of detail."""
    assert (made.condition, made.text, len(made.details)) == (Condition.ATTENTION, text, 1)


def test_what_is_no_trouble() -> None:
    """Room of twice min_free, a little unread log, and an old unparsable line say nothing."""
    log = LogView(behind_bytes=MUCH, unparsable_at=NOW - LATELY - 1)

    assert world(available_bytes=10 * GIB).condition is Condition.WELL
    assert headline(log=log).condition is Condition.WELL


def test_nginx_comes_first() -> None:
    """When nobody is served, that is what is said, whatever else there is."""
    made = headline(
        {**WELL, "lab": UpstreamState.DOWN},
        world=replace(WORLD, nginx=NginxView(is_up=False), available_bytes=0),
    )

    assert made.condition is Condition.FAILING
    assert made.text == "nginx does not answer, and 2 more things want attention"
    assert len(made.details) == 3


def test_why_an_upstream_is_down() -> None:
    """The newer of its last error and its last probe tells."""
    states = {**WELL, "lab": UpstreamState.DOWN}
    errors = {"lab": LastError(NOW - 60, "answered 503")}
    probes = {"lab": Probe(NOW, "no connection", None)}

    assert headline(states, last_errors=errors).details == ("lab is down: answered 503",)
    probed = headline(states, last_errors=errors, world=replace(WORLD, probes=probes))
    assert probed.details == ("lab is down: no connection",)
