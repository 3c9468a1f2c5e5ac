"""All that is known at one moment, from everywhere it is known from: values, no conclusions."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from passthru.stats.batch import Asked, LastError, LoggedAnswer, Sums
from passthru.stats.facts import Facts
from passthru.stats.filling import FillView
from passthru.stats.history import Span, Step
from passthru.stats.last_apply import LastApply
from passthru.stats.probe import Probe
from passthru.stats.snapshot import Neighbour
from passthru.stats.stub_status import NginxView
from passthru.stats.totals import Totals
from passthru.stats.zone_scan import ZoneScan


@dataclass(frozen=True, slots=True)
class LogView:
    """How the reading of the log goes."""

    behind_bytes: int = 0
    fault: str | None = None
    """Why the log cannot be read, or written, for people."""

    ledger_fault: str | None = None
    """Why totals and history cannot be written, for people."""

    unparsable_at: float | None = None
    """When a line that could not be understood was met last."""


@dataclass(frozen=True, slots=True)
class Rate:
    """What happened in the last seconds, at most a minute of them."""

    seconds: float = 0.0
    requests: int = 0
    served_bytes: int = 0
    fetched_bytes: int = 0


@dataclass(frozen=True, slots=True)
class World:
    """What the exporter looked up itself, the log aside."""

    nginx: NginxView
    serving_since: float | None
    available_bytes: int | None
    scans: Mapping[str, ZoneScan] = field(default_factory=dict)
    fills: tuple[FillView, ...] = ()
    last_apply: LastApply | None = None
    neighbours: tuple[Neighbour, ...] = ()
    probes: Mapping[str, Probe] = field(default_factory=dict)
    probes_succeeded: Mapping[str, int] = field(default_factory=dict)
    probes_failed: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted from the log."""

    since: float
    totals: Totals
    asked: Mapping[str, Asked]
    """Of the last hour."""

    asked_lately: Mapping[str, Asked]
    """Of the last minutes."""

    asked_at: Mapping[str, float]
    last_errors: Mapping[str, LastError]
    answers: tuple[LoggedAnswer, ...]
    hour: Sums
    today: Sums
    day: Sums
    """The last 24 hours."""

    total: Sums
    points: Mapping[Span, tuple[Step, ...]]
    rate: Rate


@dataclass(frozen=True, slots=True)
class View:
    """The whole."""

    now: float
    facts: Facts
    world: World
    counted: Counted
    log: LogView
