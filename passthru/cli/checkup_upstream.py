"""Checks of `passthru doctor` of each upstream, side by side, and of the clock by their answers."""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from passthru import __version__
from passthru.cli.certificate import SOON_DAYS
from passthru.cli.checkup import Check, fail, ok, skipped, warn
from passthru.errors import FormatError
from passthru.nix.cache_info import parse_cache_info
from passthru.nix.excerpt import excerpt
from passthru.upstreams.probe import Findings, Question, Step, probe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passthru.nginx.plan import Plan
    from passthru.nginx.upstream_plan import UpstreamPlan

PATIENCE: Final = 12.0
"""Seconds that all upstreams together have."""

SKEW_SECONDS: Final = 60.0
"""How far a clock may be off before certificates and times of caches are misread."""

_OK: Final = 200
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_REFUSALS: Final = frozenset({401, 403})
_SLOW_SECONDS: Final = 2.0

_FIXES: Final = {
    Step.LOOKUP: "see whether `getent hosts {host}` finds it, and what /etc/resolv.conf says",
    Step.CONNECT: "see whether anything leads there: `curl -v {url}/nix-cache-info`",
    Step.TLS: "look at this machine's clock and CA certificates; for a CA of your own, write ca_file",
    Step.ANSWER: "see what answers there: `curl -v {url}/nix-cache-info`",
}


class Probes:
    """All upstreams, asked beside whatever else is done meanwhile."""

    def __init__(self, plan: Plan) -> None:
        """Begin."""
        self._names = {upstream.name for upstream in plan.upstreams}
        self._until = time.monotonic() + PATIENCE
        self._answers: queue.SimpleQueue[tuple[str, Findings]] = queue.SimpleQueue()
        proxies = {tunnel.name: tunnel.proxy for tunnel in plan.tunnels}
        for upstream in plan.upstreams:
            question = _question(upstream, proxies.get(upstream.name))
            # Not waited for at the end: a name server may be silent for half a minute.
            threading.Thread(target=self._ask, args=(upstream.name, question), daemon=True).start()

    def _ask(self, name: str, question: Question) -> None:
        self._answers.put((name, probe(question)))

    def collect(self) -> dict[str, Findings]:
        """Return what each upstream answered; one that is missing was silent."""
        found: dict[str, Findings] = {}
        while self._names - found.keys():
            left = self._until - time.monotonic()
            try:
                name, findings = self._answers.get(timeout=max(0.0, left))
            except queue.Empty:
                break
            found[name] = findings
        return found


def check_upstream(
    upstream: UpstreamPlan, found: Findings | None, *, store_dir: str, now: float
) -> Check:
    """Judge what one upstream answered."""
    name = f"upstream {upstream.name}"
    if found is None:
        fix = _FIXES[Step.CONNECT].format(url=upstream.url)
        return fail(name, f"no answer within {PATIENCE:.0f} s", fix)
    if found.failed is not None:
        fix = _FIXES[found.failed].format(host=upstream.host, url=upstream.url)
        if upstream.tunnelled and found.failed is Step.CONNECT:
            fix = "look at its proxy: is the address right, does it run, does it let us through?"
        return fail(name, f"{found.failed}: {found.fault}", fix, *_way(upstream, found))
    return _judge_answer(name, upstream, found, store_dir=store_dir, now=now)


def _judge_answer(
    name: str, upstream: UpstreamPlan, found: Findings, *, store_dir: str, now: float
) -> Check:
    way = _way(upstream, found)
    if found.status != _OK:
        return _judge_status(name, upstream, found, way)
    try:
        info = parse_cache_info(found.body)
    except FormatError as error:
        fix = f"look at {upstream.spec_key}.url: is this a binary cache?"
        return fail(name, error.message, fix, *way)
    if info.store_dir != store_dir:
        message = f"its store is {excerpt(info.store_dir)}, and ours is {store_dir}"
        return fail(name, message, "Nix ignores paths of another store; take it out", *way)
    return _judge_manner(name, found, way, now)


def _judge_status(
    name: str, upstream: UpstreamPlan, found: Findings, way: tuple[str, ...]
) -> Check:
    """Judge an answer that is no nix-cache-info."""
    key = upstream.spec_key
    if found.status in _REDIRECTS:
        message = f"redirects to {excerpt(found.location or '')}"
        fix = f"write where it leads as {key}.url, or its host in redirect_hosts"
        return warn(name, message, fix, *way)
    if found.status in _REFUSALS and upstream.authorization:
        fix = f"look at what {key}.credentials_file holds: user:password, or a token"
        return fail(name, f"refuses our credentials ({found.status})", fix, *way)
    if found.status in _REFUSALS:
        fix = f"write {key}.credentials_file"
        return fail(name, f"wants credentials ({found.status})", fix, *way)
    fix = f"look at {key}.url: is a path missing?"
    return fail(name, f"answers {found.status} to /nix-cache-info", fix, *way)


def _judge_manner(name: str, found: Findings, way: tuple[str, ...], now: float) -> Check:
    """Judge one that is right by how it answers."""
    took = (found.connect_seconds or 0) + (found.answer_seconds or 0)
    message = f"answers in {took * 1000:.0f} ms"
    if found.certificate_ends is not None:
        days = int((found.certificate_ends - now) // 86400)
        message += f", certificate for {days} days"
        if days < SOON_DAYS:
            fix = "tell those who run it: when it ends, nothing can be fetched from there"
            return warn(name, message, fix, *way)
    if took > _SLOW_SECONDS:
        return warn(name, message, "every miss waits so long for it; is one nearer?", *way)
    return ok(name, message, *way)


def check_clock(found: Sequence[Findings]) -> Check:
    """Compare our clock with those of the upstreams that told theirs."""
    skews = [
        one.asked_at - one.date
        for one in found
        if one.asked_at is not None and one.date is not None
    ]
    if not skews:
        return skipped("clock", "no upstream told the time")
    # One upstream's clock may be wrong; the middle one of several hardly is.
    skew = sorted(skews)[len(skews) // 2]
    if abs(skew) <= SKEW_SECONDS:
        return ok("clock", "agrees with the upstreams'")
    side = "ahead of" if skew > 0 else "behind"
    message = f"is {abs(skew):.0f} s {side} the upstreams'"
    return warn("clock", message, "set it, and have it kept: `timedatectl set-ntp true`")


def _question(upstream: UpstreamPlan, proxy: str | None) -> Question:
    port = urlsplit(f"//{upstream.authority}").port
    return Question(
        host=upstream.host,
        port=port or (443 if upstream.tls else 80),
        authority=upstream.authority,
        target=f"{upstream.path}/nix-cache-info",
        ca_file=upstream.ca_file if upstream.tls else None,
        agent=f"passthru/{__version__}",
        proxy=proxy,
        authorization=upstream.authorization,
    )


def _way(upstream: UpstreamPlan, found: Findings) -> tuple[str, ...]:
    """Say how it was reached, without what a proxy's URL hides."""
    way = f"{upstream.url}, through its proxy" if upstream.tunnelled else upstream.url
    if found.addresses:
        way += f" at {', '.join(found.addresses[:3])}"
        way += " …" if len(found.addresses) > 3 else ""  # noqa: PLR2004 - as many as fit a line
    return (way,)
