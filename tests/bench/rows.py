"""The rows of the table: which measure, against whom, and how far it should reach."""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tests.bench.peers import Peer
from tests.bench.scenarios import Samples


@dataclass(frozen=True, slots=True)
class Row:
    """One line; its figure is a ratio to the peer `against`, or the measure itself."""

    name: str
    title: str
    scenario: str
    metric: str
    unit: str
    against: Peer | None
    reach: float | None
    more: bool = False
    """Whether more is better."""


@dataclass(frozen=True, slots=True)
class Result:
    """A row, measured: medians, and of the figure also its extremes."""

    row: Row
    medians: Mapping[Peer, float]
    figure: float | None
    lowest: float | None
    highest: float | None

    @property
    def met(self) -> bool | None:
        """Whether the figure reaches as far as it should; None: nothing was asked or measured."""
        if self.row.reach is None or self.figure is None:
            return None
        return self.figure >= self.row.reach if self.row.more else self.figure <= self.row.reach


ROWS: Final = (
    Row(
        "narinfo",
        "warm narinfo, 16 connections",
        "narinfo",
        "req/s",
        "req/s",
        Peer.FILES,
        0.95,
        more=True,
    ),
    Row(
        "narinfo-cpu",
        "warm narinfo, processor time",
        "narinfo",
        "cpu",
        "s / 10 k",
        Peer.FILES,
        1.10,
    ),
    Row(
        "crowd",
        "warm narinfo, 1,000 connections",
        "crowd",
        "req/s",
        "req/s",
        Peer.FILES,
        None,
        more=True,
    ),
    Row(
        "nar-mix",
        "warm NARs of all sizes, 8 connections",
        "nar-mix",
        "MB/s",
        "MB/s",
        Peer.FILES,
        1.0,
        more=True,
    ),
    Row("nar-cpu", "… processor time", "nar-mix", "cpu", "s / GB", Peer.FILES, None),
    Row(
        "nar-large",
        "warm NAR of 100 MB, 1 connection",
        "nar-large",
        "MB/s",
        "MB/s",
        Peer.FILES,
        1.0,
        more=True,
    ),
    Row(
        "missing",
        "repeated 404, 16 connections",
        "missing",
        "req/s",
        "req/s",
        Peer.FILES,
        0.9,
        more=True,
    ),
    Row(
        "missing-asked",
        "repeated 404, requests upstream",
        "missing",
        "asked",
        "requests",
        None,
        0,
    ),
    Row(
        "narinfo-h2",
        "warm narinfo, TLS and HTTP/2",
        "narinfo-h2",
        "req/s",
        "req/s",
        Peer.FILES,
        0.95,
        more=True,
    ),
    Row(
        "closure-far",
        "cold closure, 20 ms, 16 connections",
        "closure-far",
        "s",
        "s",
        Peer.DIRECT,
        1.1,
    ),
    Row(
        "closure-gigabit",
        "cold closure, 20 ms and 1 Gbit/s",
        "closure-gigabit",
        "s",
        "s",
        Peer.DIRECT,
        1.02,
    ),
    Row(
        "herd-last",
        "32 clients, a cold 100 MB NAR at 1 Gbit/s: last done",
        "herd-nar",
        "last",
        "s",
        Peer.VARNISH,
        1.2,
    ),
    Row(
        "herd-bytes",
        "… bytes from upstream",
        "herd-nar",
        "bytes",
        "of its size",
        None,
        1.001,
    ),
    Row("herd-first", "… slowest first byte", "herd-nar", "first", "s", None, 0.1),
    Row(
        "slow-first",
        "32 clients, a cold 100 MB NAR at 10 MB/s: slowest first byte",
        "herd-slow",
        "first",
        "s",
        None,
        0.1,
    ),
    Row(
        "slow-last",
        "… last done",
        "herd-slow",
        "last",
        "s",
        Peer.VARNISH,
        1.2,
    ),
    Row(
        "herd-narinfo",
        "32 clients, a cold narinfo at 20 ms: slowest",
        "herd-narinfo",
        "slowest",
        "s",
        None,
        0.03,
    ),
    Row(
        "herd-asked",
        "… requests upstream",
        "herd-narinfo",
        "asked",
        "requests",
        None,
        None,
    ),
    Row(
        "hang",
        "an upstream that hangs: until an honest error",
        "hang",
        "s",
        "s",
        None,
        5.0,
    ),
    Row(
        "log-nginx",
        "warm narinfo with its log, processor time",
        "log-writing",
        "cpu",
        "s / 10 k",
        Peer.SILENT,
        1.1,
    ),
    Row(
        "log-lines",
        "that log read, counted and kept",
        "log-reading",
        "lines",
        "k lines/s",
        None,
        1000,
        more=True,
    ),
    Row(
        "log-cpu",
        "… processor time for a million lines",
        "log-reading",
        "cpu",
        "s",
        Peer.JSON,
        0.2,
    ),
    Row(
        "log-share",
        "… as a share of nginx's for the same requests",
        "log-reading",
        "share",
        "of nginx",
        None,
        0.2,
    ),
    Row(
        "exporter",
        "the exporter's processor time, of nginx's for the same narinfos",
        "exporter",
        "share",
        "of nginx's",
        None,
        0.2,
    ),
    Row("exporter-late", "… until it has read the last line", "exporter", "late", "s", None, 2.0),
    Row("exporter-cpu", "… processor time", "exporter", "cpu", "s / M lines", None, None),
    Row("exporter-memory", "… memory", "exporter", "memory", "MiB", None, 80),
    Row("memory", "memory of nginx at rest", "memory", "nginx rest", "MiB", None, None),
    Row("memory-load", "… under load", "memory", "nginx load", "MiB", None, None),
    Row(
        "memory-all",
        "memory of a whole `passthru up`, every sidecar, at rest",
        "memory",
        "all rest",
        "MiB",
        None,
        None,
    ),
    Row("memory-all-load", "… under load", "memory", "all load", "MiB", None, None),
)


def work_out(row: Row, samples: Samples) -> Result:
    """Take medians; a ratio is worked out within each repetition, before its median is."""
    series = {peer: [one[row.metric] for one in sets] for peer, sets in samples.items()}
    own = series[Peer.PASSTHRU]
    figures: list[float] = []
    if row.against is None:
        figures = own
    elif row.against in series:
        pairs = zip(own, series[row.against], strict=True)
        figures = [mine / theirs for mine, theirs in pairs if theirs]
    return Result(
        row=row,
        medians={peer: statistics.median(values) for peer, values in series.items()},
        figure=statistics.median(figures) if figures else None,
        lowest=min(figures, default=None),
        highest=max(figures, default=None),
    )
