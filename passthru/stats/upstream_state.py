"""How an upstream is, from its last answers and, when nobody asked it, from a probe; pure."""

from typing import Final

from passthru.stats.batch import Asked
from passthru.stats.probe import Probe
from passthru.stats.snapshot import UpstreamState

SOME: Final = 0.05
"""The share of errors from which an upstream counts as failing: one in a thousand is no news."""


def judge(asked: Asked | None, probe: Probe | None) -> UpstreamState:
    """Return the state; `asked` is of the last minutes, and `probe` is asked only without it."""
    if asked is not None and asked.requests:
        if asked.errors >= asked.requests:
            return UpstreamState.DOWN
        failing = asked.errors / asked.requests >= SOME
        return UpstreamState.FAILING if failing else UpstreamState.WELL
    if probe is not None:
        return UpstreamState.DOWN if probe.error else UpstreamState.WELL
    return UpstreamState.UNKNOWN
