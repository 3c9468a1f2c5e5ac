"""The metrics as Prometheus reads them, built anew at each scrape from what is known then; pure."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import Final

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector, CollectorRegistry
from typing_extensions import override

from passthru.stats import metric
from passthru.stats.durations import BUCKETS, Durations
from passthru.stats.facts import Facts
from passthru.stats.kind import CacheStatus, Kind, Outcome
from passthru.stats.metric import Metric, Type
from passthru.stats.totals import Totals
from passthru.stats.view import LogView, World

USUAL_CODES: Final = ("200", "206", "304", "404", "502", "504")
"""Statuses whose series are there from the start."""

_NAN: Final = float("nan")

Samples = Iterable[tuple[tuple[str, ...], float]]
"""Values by their labels, in the order of the metric's."""


class Exposition(Collector):
    """One scrape."""

    def __init__(self, facts: Facts, totals: Totals, world: World, log: LogView) -> None:
        """Take what is known now; `totals` may not change meanwhile."""
        self._facts = facts
        self._totals = totals
        self._world = world
        self._log = log
        names = [upstream.name for upstream in facts.upstreams]
        counted = {name for name, _outcome in totals.upstream_requests} | set(totals.upstream_bytes)
        self._upstreams = [*names, *sorted(counted - set(names))]

    @override
    def collect(self) -> Iterator[Family]:
        yield from self._requests()
        yield from self._of_upstreams()
        yield from self._of_the_cache()
        yield from self._of_nginx()
        yield from self._of_the_log()
        yield from self._of_the_configuration()

    def _requests(self) -> Iterator[Family]:
        totals = self._totals
        pairs = [(kind, status) for kind in Kind for status in CacheStatus]
        yield _family(metric.REQUESTS, _all(pairs, totals.requests))
        codes = {(kind, code): 0 for kind in Kind for code in USUAL_CODES}
        yield _family(metric.RESPONSES, _all([*codes | totals.responses], totals.responses))
        yield _family(metric.RESPONSE_BYTES, _all(pairs, totals.sent_bytes))
        yield _histogram(metric.REQUEST_SECONDS, tuple(Kind), totals.durations)

    def _of_upstreams(self) -> Iterator[Family]:
        totals, names = self._totals, self._upstreams
        pairs = [(name, outcome) for name in names for outcome in Outcome]
        yield _family(metric.UPSTREAM_REQUESTS, _all(pairs, totals.upstream_requests))
        yield _family(metric.UPSTREAM_BYTES, _each(names, totals.upstream_bytes))
        yield _histogram(metric.UPSTREAM_SECONDS, names, totals.upstream_durations)
        asked = [upstream.name for upstream in self._facts.upstreams]
        results = (
            (Outcome.OK, self._world.probes_succeeded),
            (Outcome.ERROR, self._world.probes_failed),
        )
        samples = [
            ((name, outcome.value), counts.get(name, 0))
            for name in asked
            for outcome, counts in results
        ]
        yield _family(metric.UPSTREAM_PROBES, samples)

    def _of_the_cache(self) -> Iterator[Family]:
        names = [zone.name for zone in self._facts.zones]
        scans = self._world.scans
        used = {name: scan.used_bytes for name, scan in scans.items()}
        files = {name: scan.files for name, scan in scans.items()}
        took = {name: scan.seconds for name, scan in scans.items()}
        ended = {name: scan.at for name, scan in scans.items()}
        available = self._world.available_bytes
        left = dict.fromkeys(names, _NAN if available is None else available)
        yield _family(metric.CACHE_SIZE, _each(names, used, missing=_NAN))
        most = {zone.name: zone.max_bytes for zone in self._facts.zones}
        yield _family(metric.CACHE_MAX, _each(names, most))
        yield _family(metric.CACHE_FILES, _each(names, files, missing=_NAN))
        yield _family(metric.CACHE_SCAN_AT, _each(names, ended))
        yield _family(metric.CACHE_SCAN_SECONDS, _each(names, took, missing=_NAN))
        yield _family(metric.CACHE_AVAILABLE, _each(names, left))
        free = dict.fromkeys(names, self._facts.min_free)
        yield _family(metric.CACHE_MIN_FREE, _each(names, free))
        yield _single(metric.FILLS, len(self._world.fills))

    def _of_nginx(self) -> Iterator[Family]:
        nginx = self._world.nginx
        yield _single(metric.NGINX_UP, nginx.is_up)
        figures = nginx.figures
        if figures is None:
            return
        states = {
            "reading": figures.reading,
            "writing": figures.writing,
            "waiting": figures.waiting,
        }
        yield _family(metric.NGINX_CONNECTIONS, _each(list(states), states))
        yield _single(metric.NGINX_REQUESTS, figures.requests)

    def _of_the_log(self) -> Iterator[Family]:
        totals, log = self._totals, self._log
        yield _single(metric.LOG_LINES, totals.lines)
        yield _single(metric.LOG_ERRORS, totals.unparsable_lines)
        yield _single(metric.LOG_LAST, totals.last_line_at or 0)
        yield _single(metric.LOG_BEHIND, log.behind_bytes)
        yield _single(metric.LOG_READABLE, log.fault is None)
        yield _single(metric.HISTORY_WRITABLE, log.ledger_fault is None)

    def _of_the_configuration(self) -> Iterator[Family]:
        facts, last = self._facts, self._world.last_apply
        versions = (facts.passthru_version, facts.nginx_version or "")
        yield _info(metric.BUILD, versions)
        yield _info(metric.GENERATION, (facts.generation,))
        yield _single(metric.RELOAD_OK, last is None or last.successful)
        yield _single(metric.RELOAD_AT, (last and last.succeeded_at) or 0)
        yield _single(metric.MDNS, any(one.ourselves for one in self._world.neighbours))


def write_metrics(collector: Collector, accept: str, *others: Collector) -> tuple[bytes, str]:
    """Return the text in the format that a scraper accepts, and its content type."""
    registry = CollectorRegistry(auto_describe=False)
    for one in (collector, *others):
        registry.register(one)
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


def _all(
    keys: Iterable[tuple[str, str]],
    counts: Mapping[tuple[Kind, str], int]
    | Mapping[tuple[str, Outcome], int]
    | Mapping[tuple[Kind, CacheStatus], int],
) -> Samples:
    held: Mapping[tuple[str, str], int] = counts  # type: ignore[assignment]
    return [((str(one), str(other)), held.get((one, other), 0)) for one, other in keys]


def _each(names: Iterable[str], values: Mapping[str, float], *, missing: float = 0) -> Samples:
    return [((name,), values.get(name, missing)) for name in names]


def _single(definition: Metric, value: float) -> Family:
    return _family(definition, [((), float(value))])


def _family(definition: Metric, samples: Samples) -> Family:
    family: CounterMetricFamily | GaugeMetricFamily
    if definition.type is Type.COUNTER:
        family = CounterMetricFamily(definition.name, definition.help, labels=definition.labels)
    else:
        family = GaugeMetricFamily(definition.name, definition.help, labels=definition.labels)
    for labels, value in samples:
        family.add_metric(labels, value)
    return family


def _info(definition: Metric, labels: tuple[str, ...]) -> Family:
    family = InfoMetricFamily(definition.name.removesuffix("_info"), definition.help)
    family.add_metric((), dict(zip(definition.labels, labels, strict=True)))
    return family


def _histogram(
    definition: Metric,
    names: Iterable[str],
    values: Mapping[Kind, Durations] | Mapping[str, Durations],
) -> Family:
    held: Mapping[str, Durations] = values  # type: ignore[assignment]
    family = HistogramMetricFamily(definition.name, definition.help, labels=definition.labels)
    bounds = [*(str(float(bound)) for bound in BUCKETS), "+Inf"]
    for name in names:
        durations = held.get(name, _NOTHING)
        buckets = list(zip(bounds, map(float, accumulate(durations.counts)), strict=True))
        family.add_metric((str(name),), buckets, durations.seconds)
    return family


_NOTHING: Final = Durations()
