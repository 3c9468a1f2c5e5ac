"""The first sentence an operator reads: how it is, and what wants attention; pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from passthru.stats.snapshot import Condition, Headline, UpstreamState
from passthru.stats.view import LogView, View

MUCH: Final = 8 << 20
"""Bytes of unread log from which the figures are old: some tens of thousands of requests."""

LATELY: Final = 3600.0
"""Seconds for which an unparsable line is news."""

_GIB: Final = 1 << 30


@dataclass(frozen=True, slots=True)
class _Concern:
    """One thing that wants attention."""

    short: str
    detail: str
    fails: bool = False


def make_headline(view: View, states: Mapping[str, UpstreamState]) -> Headline:
    """Return the sentence for the states of the upstreams and all else."""
    concerns = tuple(_concerns(view, states))
    details = tuple(concern.detail for concern in concerns)
    if not concerns:
        return Headline(condition=Condition.WELL, text="all is well", details=())
    fatal = [concern for concern in concerns if concern.fails]
    first, *rest = [*fatal, *(concern for concern in concerns if not concern.fails)]
    text = first.short
    if rest:
        more = "one more thing wants" if len(rest) == 1 else f"{len(rest)} more things want"
        text = f"{text}, and {more} attention"
    condition = Condition.FAILING if fatal else Condition.ATTENTION
    return Headline(condition=condition, text=text, details=details)


def _concerns(view: View, states: Mapping[str, UpstreamState]) -> Iterator[_Concern]:
    if not view.world.nginx.is_up:
        yield _Concern(
            "nginx does not answer",
            "nginx does not answer on its socket: nobody is served; error.log in the state"
            " directory may say why",
            fails=True,
        )
    yield from _upstream_concerns(view, states)
    yield from _disk_concerns(view)
    yield from _log_concerns(view.log, view.now)
    last = view.world.last_apply
    if last is not None and not last.successful:
        yield _Concern(
            "the last change of the spec was refused",
            f"the last change of the spec was refused, and the one before serves: {last.error}",
        )


def _upstream_concerns(view: View, states: Mapping[str, UpstreamState]) -> Iterator[_Concern]:
    down = [name for name, state in states.items() if state is UpstreamState.DOWN]
    if down and len(down) == len(states):
        what = "the upstream is" if len(down) == 1 else "all upstreams are"
        yield _Concern(f"{what} down", f"{what} down: what is stored is served, nothing else")
        return
    for name in down:
        yield _Concern(f"{name} is down", f"{name} is down{_why(view, name)}")
    for name, state in states.items():
        if state is UpstreamState.FAILING:
            yield _Concern(f"{name} is failing", f"{name} is failing{_why(view, name)}")


def _why(view: View, name: str) -> str:
    error = view.counted.last_errors.get(name)
    probe = view.world.probes.get(name)
    if probe is not None and probe.error and (error is None or error.at < probe.at):
        return f": {probe.error}"
    return f": {error.text}" if error else ""


def _disk_concerns(view: View) -> Iterator[_Concern]:
    left, wanted = view.world.available_bytes, view.facts.min_free
    if left is None:
        yield _Concern(
            "the cache's disk cannot be looked at",
            f"the file system of {view.facts.cache_directory} cannot be looked at",
        )
    elif left < wanted / 2:
        yield _Concern(
            "the disk is full",
            f"the disk is full, so nothing new is stored: {left / _GIB:.1f} GiB are left, and"
            f" min_free asks for {wanted / _GIB:.1f} GiB",
        )
    elif left < 2 * wanted:
        yield _Concern(
            "the disk is nearly full",
            f"the disk is nearly full: {left / _GIB:.1f} GiB are left, and min_free asks for"
            f" {wanted / _GIB:.1f} GiB; something else than the cache may fill it",
        )


def _log_concerns(log: LogView, now: float) -> Iterator[_Concern]:
    if log.fault:
        yield _Concern("the figures stand still", f"the figures stand still: {log.fault}")
    elif log.behind_bytes > MUCH:
        yield _Concern(
            "the figures are late",
            f"the figures are late: {log.behind_bytes / 2**20:.0f} MiB of the log are not read yet",
        )
    if log.ledger_fault:
        yield _Concern(
            "the figures are not kept", f"the figures are in memory only: {log.ledger_fault}"
        )
    if log.unparsable_at is not None and now - log.unparsable_at < LATELY:
        yield _Concern(
            "the log has lines that are no lines",
            "the access log has lines that cannot be understood, which are not counted:"
            " something else may write to it",
        )
