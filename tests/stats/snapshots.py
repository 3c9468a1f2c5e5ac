"""Sample snapshots for everything that shows one: a good day, the first minute, a bad day, extremes."""

import math
from typing import Final

from passthru.stats.kind import CacheStatus, Kind
from passthru.stats.snapshot import (
    Answer,
    Charts,
    Condition,
    Connections,
    Fill,
    Headline,
    Instance,
    LogReading,
    Neighbour,
    Point,
    Rates,
    Snapshot,
    Store,
    Tallies,
    Tally,
    Upstream,
    UpstreamState,
    Wanted,
    Zone,
)

NOW: Final = 1_772_460_202.0
"""2026-03-02 14:03:22 UTC, a Monday."""

ADDRESS: Final = "http://cache.local"

KIB: Final = 1 << 10
MIB: Final = 1 << 20
GIB: Final = 1 << 30
TIB: Final = 1 << 40
PIB: Final = 1 << 50

SNIPPETS: Final = {
    "nix-conf": (
        "# /etc/nix/nix.conf, at the end\n"
        f"extra-substituters = {ADDRESS}\n"
        "connect-timeout = 2\n"
        "fallback = true\n"
    ),
    "nixos": (
        "# configuration.nix, or any NixOS module\n"
        "nix.settings = {\n"
        f'  substituters = [ "{ADDRESS}" ];\n'
        "  connect-timeout = 2;\n"
        "  fallback = true;\n"
        "};\n"
    ),
    "command": (
        f"nix build nixpkgs#hello \\\n  --option extra-substituters {ADDRESS} \\\n"
        "  --option connect-timeout 2\n"
    ),
}

SPANS: Final = {"hour": (60, 60.0), "day": (96, 900.0), "month": (120, 21600.0)}
"""Steps and seconds a step of each chart."""

STRANGE: Final = (
    '"><script>alert(1)</script>\x1b[31m\u202egpj.exe\u2066\x00\u200b' + "e" + "\u0301" * 60
)
"""What a stranger may call itself: mark-up, an escape sequence, reversed text, nothing visible."""

_PACKAGES: Final = (
    "firefox-135.0", "llvm-19.1.7", "linux-6.12.16", "chromium-133.0.6943.126", "glibc-2.40-66",
    "rustc-1.84.1", "python3-3.12.9", "gcc-14.2.1", "nix-2.26.2", "systemd-257.3",
)  # fmt: skip


def busy() -> Snapshot:
    """Return a cache of a lab on a good Monday, with everything there is to show."""
    charts = _charts(peak=190 * MIB, share=0.09)
    return _snapshot(
        charts=charts,
        total=_tally(serving=68 * TIB, fetching=6 * TIB, requests=41_803_114),
        rates=Rates(
            requests_per_second=412.4,
            served_bytes_per_second=118.6 * MIB,
            fetched_bytes_per_second=9.3 * MIB,
        ),
        store=_store(used=(148 * GIB, 3 * GIB), seconds_to_full=23 * 86400.0),
        upstreams=(
            _upstream("nixos", "https://cache.nixos.org", 1_204_117, fetched=5 * TIB),
            _upstream(
                "community",
                "https://nix-community.cachix.org",
                40_331,
                fetched=700 * GIB,
                median=0.081,
                p95=0.420,
                errors=12,
            ),
            _upstream("lab", "http://builder.example.org:5000/lab", 9_120, fetched=90 * GIB),
        ),
        fills=(
            _fill("texlive-combined-full-2024", 212 * MIB, 3 * GIB, 41),
            _fill("firefox-135.0", 51 * MIB, 72 * MIB, 4),
            _fill(None, 9 * MIB, None, 1),
        ),
        answers=_answers(20, paths=True),
        wanted=tuple(
            Wanted(name=name, requests=812 // (place + 1), served_bytes=(9 * GIB) // (place + 1))
            for place, name in enumerate(_PACKAGES)
        ),
        neighbours=(
            _neighbour("Nix cache on lab-1", "http://cache.local", ourselves=True),
            _neighbour("Nix cache on lab-2", "http://lab-2.local", latency=0.0011),
            _neighbour("Nix cache on attic", "http://attic.local:8080", healthy=False),
        ),
    )


def private() -> Snapshot:
    """Return the same with `status.paths` off, and alone on its network."""
    shown = busy()
    return shown.model_copy(
        update={
            "answers": _answers(20, paths=False),
            "fills": tuple(fill.model_copy(update={"name": None}) for fill in shown.fills),
            "wanted": None,
            "neighbours": (),
        }
    )


def fresh() -> Snapshot:
    """Return a cache in its first minute: nobody has asked it anything."""
    return _snapshot(
        charts=_charts(peak=0, share=0),
        total=_tally(serving=0, fetching=0, requests=0),
        rates=Rates(requests_per_second=0, served_bytes_per_second=0, fetched_bytes_per_second=0),
        headline=Headline(
            condition=Condition.WELL, text="ready, and nobody has asked yet", details=()
        ),
        store=_store(used=(None, None), seconds_to_full=None),
        upstreams=(
            _upstream(
                "nixos",
                "https://cache.nixos.org",
                0,
                state=UpstreamState.UNKNOWN,
                median=None,
                p95=None,
            ),
        ),
        age=40.0,
    )


def ailing() -> Snapshot:
    """Return a cache that serves, while things want attention."""
    shown = busy()
    first, second, third = shown.upstreams
    broken = {
        "state": UpstreamState.FAILING,
        "errors": 3_204,
        "last_error": "timeout: no answer within 60 s",
        "last_error_at": NOW - 12,
    }
    gone = {
        "state": UpstreamState.DOWN,
        "errors": 9_120,
        "median_seconds": None,
        "p95_seconds": None,
        "last_error": "connect() failed (111: Connection refused)",
        "last_error_at": NOW - 190,
    }
    return shown.model_copy(
        update={
            "headline": Headline(
                condition=Condition.ATTENTION,
                text="serving, but two upstreams do not answer well",
                details=(
                    "lab: every answer of the last 5 minutes was an error",
                    "community: 27 % of its answers are timeouts",
                    "the disk has 3.1 GiB left, and min_free is 5 GiB",
                ),
            ),
            "upstreams": (
                first,
                second.model_copy(update=broken),
                third.model_copy(update=gone),
            ),
            "store": shown.store.model_copy(
                update={
                    "used_bytes": 199 * GIB,
                    "available_bytes": 3_328_599_654,
                    "seconds_to_full": 1.5 * 3600,
                }
            ),
        }
    )


def failing() -> Snapshot:
    """Return a cache whose nginx does not answer."""
    shown = ailing()
    return shown.model_copy(
        update={
            "headline": Headline(
                condition=Condition.FAILING,
                text="not serving: nginx does not answer",
                details=("no answer on nginx.sock since 14:01", *shown.headline.details),
            ),
            "instance": shown.instance.model_copy(
                update={"serving_since": None, "generation": None, "nginx_version": None}
            ),
            "connections": None,
            "rates": fresh().rates,
            "fills": (),
        }
    )


def huge() -> Snapshot:
    """Return numbers of a size that no layout expects."""
    shown = busy()
    return _snapshot(
        charts=_charts(peak=900 * GIB, share=0.97),
        total=_tally(serving=7_900 * PIB, fetching=7_100 * PIB, requests=9_007_199_254_740_991),
        rates=Rates(
            requests_per_second=2_999_999.9,
            served_bytes_per_second=999.99 * GIB,
            fetched_bytes_per_second=1023.97 * GIB,
        ),
        store=_store(
            used=(1023 * PIB, 900 * TIB), seconds_to_full=99 * 365 * 86400.0, maximum=1 << 60
        ),
        upstreams=tuple(
            _upstream(
                f"upstream-{number}",
                f"https://mirror-{number}.example.org",
                4_503_599_627_370_495,
                fetched=999 * PIB,
                median=61.0,
                p95=7_261.0,
                errors=2_251_799_813_685_247,
            )
            for number in range(8)
        ),
        fills=tuple(_fill(name, 900 * GIB, 4 * TIB, 90_000) for name in _PACKAGES),
        answers=shown.answers,
        wanted=shown.wanted,
    )


def hostile() -> Snapshot:
    """Return names, addresses and errors as strangers would choose them, very long ones among them."""
    shown = ailing()
    long = "a-package-whose-name-does-not-end-" * 40
    first, *others = shown.upstreams
    nasty = {"name": STRANGE, "url": "javascript:alert(1)", "last_error": STRANGE + long}
    nasty_at = {**nasty, "last_error_at": NOW - 1, "state": UpstreamState.DOWN}
    answers = tuple(
        answer.model_copy(update={"path": f"/nar/{long}", "upstream": STRANGE})
        for answer in shown.answers
    )
    return shown.model_copy(
        update={
            "headline": Headline(
                condition=Condition.ATTENTION, text=STRANGE, details=(STRANGE, long)
            ),
            "instance": shown.instance.model_copy(update={"address": f"http://{long}.example"}),
            "upstreams": (first.model_copy(update=nasty_at), *others),
            "fills": (_fill(STRANGE, 1, 2, 3), _fill(long, 5, 3, 9)),
            "answers": answers,
            "wanted": (
                Wanted(name=STRANGE, requests=3, served_bytes=9),
                Wanted(name=long, requests=2, served_bytes=9),
            ),
            "neighbours": (
                _neighbour(STRANGE, "javascript:alert(document.domain)"),
                _neighbour(long, f"http://{'x' * 300}.local/"),
                _neighbour("two faces", "http://cache.local@evil.example/"),
                _neighbour("data", "data:text/html,<script>alert(1)</script>"),
            ),
            "snippets": {"nix-conf": f"extra-substituters = {long}</code><script>1</script>\n"},
        }
    )


SAMPLES: Final = {
    "busy": busy,
    "private": private,
    "fresh": fresh,
    "ailing": ailing,
    "failing": failing,
    "huge": huge,
    "hostile": hostile,
}
"""All of them by name."""


def later(shown: Snapshot, *, seconds: float = 5.0) -> Snapshot:
    """Return the same cache a little later: more was served, and the figures have moved."""
    more = 3 * GIB
    today = shown.tallies.today
    moved = today.model_copy(
        update={
            "requests": today.requests + 977,
            "served_bytes": today.served_bytes + more,
            "saved_bytes": today.saved_bytes + more,
        }
    )
    hour = list(shown.charts.hour)
    hour[-1] = hour[-1].model_copy(update={"served_bytes": hour[-1].served_bytes + more})
    return shown.model_copy(
        update={
            "taken_at": shown.taken_at + seconds,
            "tallies": shown.tallies.model_copy(update={"today": moved}),
            "charts": shown.charts.model_copy(update={"hour": tuple(hour)}),
        }
    )


def _snapshot(
    *,
    charts: Charts,
    total: Tally,
    rates: Rates,
    store: Store,
    upstreams: tuple[Upstream, ...],
    headline: Headline | None = None,
    fills: tuple[Fill, ...] = (),
    answers: tuple[Answer, ...] = (),
    wanted: tuple[Wanted, ...] | None = None,
    neighbours: tuple[Neighbour, ...] = (),
    age: float = 12 * 86400.0 + 7_300,
) -> Snapshot:
    return Snapshot(
        taken_at=NOW,
        headline=headline or Headline(condition=Condition.WELL, text="all is well", details=()),
        instance=Instance(
            passthru_version="0.3.0",
            nginx_version="1.22.1",
            generation="3f9c21ab",
            address=ADDRESS,
            mode="lan",
            serving_since=NOW - age,
            counting_since=NOW - 9 * age,
        ),
        connections=Connections(active=38, reading=1, writing=9, waiting=28, requests=1_922_481),
        tallies=Tallies(hour=_sum(charts.hour), today=_sum(charts.day[-56:]), total=total),
        rates=rates,
        charts=charts,
        store=store,
        upstreams=upstreams,
        fills=fills,
        answers=answers,
        wanted=wanted,
        neighbours=neighbours,
        log=LogReading(
            lines=total.requests,
            unparsable_lines=min(total.requests, 3),
            last_line_at=NOW - 1 if total.requests else None,
            behind_bytes=0,
        ),
        snippets=dict(SNIPPETS),
    )


def _charts(*, peak: int, share: float) -> Charts:
    """Return curves of a working day: a hill in office hours, `share` of it fetched."""
    spans: dict[str, tuple[Point, ...]] = {}
    for number, (name, (steps, seconds)) in enumerate(SPANS.items()):
        first = (NOW // seconds - steps + 1) * seconds
        spans[name] = tuple(
            _point(first + place * seconds, seconds, place + 31 * number, peak, share)
            for place in range(steps)
        )
    return Charts(**spans)


def _point(start: float, seconds: float, place: int, peak: int, share: float) -> Point:
    hours = (start % 86400) / 3600
    weekday = 0.25 if (start // 86400 + 4) % 7 in {0, 6} else 1.0
    office = math.exp(-(((hours - 13.5) / 4.2) ** 2)) * weekday
    rough = 0.62 + 0.26 * math.sin(place * 1.7) + 0.12 * math.sin(place * 0.61 + 2)
    rate = peak * (0.03 + office) * rough
    cold = share * (0.6 + 0.5 * math.sin(place * 0.37) ** 2 + (2.4 if place % 23 == 7 else 0.0))
    over = min(seconds, NOW - start)
    served = int(rate * over)
    requests = served // (9 * MIB)
    return Point(
        start=start,
        seconds=over,
        requests=requests,
        hits=int(requests * (1 - share)),
        errors=requests // 5000,
        served_bytes=served,
        fetched_bytes=int(served * min(cold, 0.98)),
    )


def _sum(points: tuple[Point, ...]) -> Tally:
    return _tally(
        serving=sum(point.served_bytes for point in points),
        fetching=sum(point.fetched_bytes for point in points),
        requests=sum(point.requests for point in points),
        hits=sum(point.hits for point in points),
        errors=sum(point.errors for point in points),
    )


def _tally(
    *, serving: int, fetching: int, requests: int, hits: int | None = None, errors: int = 0
) -> Tally:
    hits = requests * 88 // 100 if hits is None else hits
    looked_up = requests - requests // 50
    saved = max(0, serving - fetching)
    return Tally(
        requests=requests,
        hits=min(hits, looked_up),
        cacheable_requests=looked_up,
        errors=errors,
        served_bytes=serving,
        fetched_bytes=fetching,
        saved_bytes=saved,
        hit_ratio=min(1.0, hits / looked_up) if looked_up else None,
        byte_hit_ratio=saved / serving if serving else None,
    )


def _store(
    *,
    used: tuple[int | None, int | None],
    seconds_to_full: float | None,
    maximum: int = 200 * GIB,
) -> Store:
    known = [size for size in used if size is not None]
    limits = {"nar": maximum * 9 // 10, "metadata": maximum - maximum * 9 // 10}
    return Store(
        zones=tuple(
            Zone(
                name=name,
                directory=f"/var/cache/passthru/{name}",
                used_bytes=size,
                max_bytes=limit,
                files=None if size is None else 1 + size // (11 * MIB),
                scanned_at=None if size is None else NOW - 31,
                scan_seconds=None if size is None else 0.42,
            )
            for (name, limit), size in zip(limits.items(), used, strict=True)
        ),
        used_bytes=sum(known) if known else None,
        max_bytes=maximum,
        available_bytes=612 * GIB,
        min_free_bytes=5 * GIB,
        seconds_to_full=seconds_to_full,
    )


def _upstream(
    name: str,
    url: str,
    requests: int,
    *,
    fetched: int = 0,
    state: UpstreamState = UpstreamState.WELL,
    median: float | None = 0.023,
    p95: float | None = 0.118,
    errors: int = 0,
) -> Upstream:
    return Upstream(
        name=name,
        url=url,
        state=state,
        requests=requests,
        errors=errors,
        not_found=requests // 7,
        fetched_bytes=fetched,
        median_seconds=median,
        p95_seconds=p95,
        last_asked_at=NOW - 2 if requests else None,
        last_error=None,
        last_error_at=None,
    )


def _fill(name: str | None, so_far: int, total: int | None, age: float) -> Fill:
    return Fill(name=name, bytes_so_far=so_far, total_bytes=total, started_at=NOW - age)


def _answers(count: int, *, paths: bool) -> tuple[Answer, ...]:
    kinds = (Kind.NAR, Kind.NARINFO, Kind.NARINFO, Kind.NAR, Kind.NARINFO, Kind.LS, Kind.NAR)
    found = (CacheStatus.HIT, CacheStatus.HIT, CacheStatus.MISS, CacheStatus.HIT, CacheStatus.STALE)
    answers = []
    for place in range(count):
        kind, cached = kinds[place % len(kinds)], found[place % len(found)]
        is_missing = place % 9 == 4
        sent = (place * 37 % 90 + 1) * MIB + 4321 if kind is Kind.NAR else 480 + place * 31
        path = f"/{'0123456789abcdfghijklmnpqrsvwxyz'[place:] + 'x' * place}.narinfo"
        answers.append(
            Answer(
                at=NOW - 0.4 - place * 1.3,
                kind=kind,
                status=404 if is_missing else 200,
                cache_status=cached,
                upstream="nixos" if cached is CacheStatus.MISS else None,
                sent_bytes=0 if is_missing else sent,
                seconds=0.0004 if cached is CacheStatus.HIT else 0.083 * (place + 1),
                path=path if paths else None,
            )
        )
    return tuple(answers)


def _neighbour(
    name: str,
    url: str,
    *,
    ourselves: bool = False,
    healthy: bool | None = True,
    latency: float | None = None,
) -> Neighbour:
    return Neighbour(
        name=name,
        url=url,
        priority=30,
        healthy=healthy,
        latency_seconds=latency,
        ourselves=ourselves,
    )
