"""All that is known at one moment, as `/status.json` gives it and the page shows it.

Names are camelCase in JSON, as in Nix's own. Every field is always there, `null` for nothing.
Bytes, seconds, and moments as seconds since 1970. The format may change until 1.0; `version` tells.
"""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from passthru.stats.kind import CacheStatus, Kind

VERSION: Final = 1
"""The version of this format."""

Moment = Annotated[float, Field(ge=0)]
"""Seconds since 1970."""

Seconds = Annotated[float, Field(ge=0)]
Bytes = Annotated[int, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]
Ratio = Annotated[float, Field(ge=0, le=1)]


class Record(BaseModel):
    """A part of the snapshot."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )


class Condition(StrEnum):
    """How it is: WELL, ATTENTION (it serves, somebody should look), FAILING (it does not serve)."""

    WELL = "well"
    ATTENTION = "attention"
    FAILING = "failing"


class Headline(Record):
    """The first sentence an operator reads, and what is behind it."""

    condition: Condition
    text: str
    details: tuple[str, ...]
    """One line for each thing that wants attention."""


class Instance(Record):
    """Which cache this is."""

    passthru_version: str
    nginx_version: str | None
    generation: str | None
    address: str
    mode: str
    serving_since: Moment | None
    counting_since: Moment
    """When the totals begin: the installation."""


class Connections(Record):
    """nginx's own figures (stub_status)."""

    active: Count
    reading: Count
    writing: Count
    waiting: Count
    requests: Count
    """Since nginx started."""


class Tally(Record):
    """Requests and bytes over some time."""

    requests: Count
    hits: Count
    """Requests answered from our disk."""

    cacheable_requests: Count
    """Requests that nginx looked up in its cache: what the ratio of hits is of."""

    errors: Count
    """Answers of 500 and above."""

    served_bytes: Bytes
    fetched_bytes: Bytes
    saved_bytes: Bytes
    """Served less fetched, and never below nothing."""

    hit_ratio: Ratio | None
    byte_hit_ratio: Ratio | None
    """Saved over served."""


class Tallies(Record):
    """The same over the spans people ask for."""

    hour: Tally
    today: Tally
    """Since midnight, local time."""

    total: Tally


class Rates(Record):
    """What it does now: means over the last minute at most."""

    requests_per_second: Annotated[float, Field(ge=0)]
    served_bytes_per_second: Annotated[float, Field(ge=0)]
    fetched_bytes_per_second: Annotated[float, Field(ge=0)]


class Point(Record):
    """One step of a chart."""

    start: Moment
    seconds: Seconds
    """How long the step is; the last one may not be over."""

    requests: Count
    hits: Count
    errors: Count
    served_bytes: Bytes
    fetched_bytes: Bytes


class Charts(Record):
    """The history, oldest first and without gaps; steps nothing happened in are there with 0."""

    hour: tuple[Point, ...]
    """60 minutes."""

    day: tuple[Point, ...]
    """96 quarters of an hour."""

    month: tuple[Point, ...]
    """30 days, by 6 hours: 120 steps."""


class Zone(Record):
    """One zone of the cache as of the last look at its directory."""

    name: str
    """Either "nar" or "metadata"."""

    directory: str
    used_bytes: Bytes | None
    max_bytes: Bytes
    files: Count | None
    scanned_at: Moment | None
    scan_seconds: Seconds | None


class Store(Record):
    """The disk."""

    zones: tuple[Zone, ...]
    used_bytes: Bytes | None
    max_bytes: Bytes
    available_bytes: Bytes | None
    """What the file system has left."""

    min_free_bytes: Bytes
    seconds_to_full: Seconds | None
    """At the rate of the last day; null when it does not grow, or nothing is known yet."""


class UpstreamState(StrEnum):
    """What its last answers say."""

    WELL = "well"
    FAILING = "failing"
    """Some of its answers are errors."""

    DOWN = "down"
    """All of them are."""

    UNKNOWN = "unknown"
    """It was not asked yet."""


class Upstream(Record):
    """One upstream, in the order of the spec."""

    name: str
    url: str
    state: UpstreamState
    requests: Count
    errors: Count
    """Errors and timeouts, since counting began."""

    not_found: Count
    fetched_bytes: Bytes
    median_seconds: Seconds | None
    p95_seconds: Seconds | None
    """Estimated from the buckets of the last hour's answers."""

    last_asked_at: Moment | None
    last_error: str | None
    last_error_at: Moment | None


class Fill(Record):
    """A download from an upstream that is in flight."""

    name: str | None
    """The package, when `status.paths` is on and its narinfo passed."""

    bytes_so_far: Bytes
    total_bytes: Bytes | None
    started_at: Moment


class Answer(Record):
    """A request that ended."""

    at: Moment
    kind: Kind
    status: Annotated[int, Field(ge=100, le=999)]
    cache_status: CacheStatus
    upstream: str | None
    sent_bytes: Bytes
    seconds: Seconds
    path: str | None
    """Only when `status.paths` is on."""


class Wanted(Record):
    """A package that was fetched often."""

    name: str
    requests: Count
    served_bytes: Bytes


class Neighbour(Record):
    """Another cache on the LAN, as it announces itself; nothing of it is believed."""

    name: str
    url: str
    priority: int | None
    healthy: bool | None
    latency_seconds: Seconds | None
    ourselves: bool


class LogReading(Record):
    """How the reading of the access log goes."""

    lines: Count
    unparsable_lines: Count
    last_line_at: Moment | None
    behind_bytes: Bytes
    """What nginx wrote and we have not read."""


class Snapshot(Record):
    """The whole."""

    version: int = VERSION
    taken_at: Moment
    headline: Headline
    instance: Instance
    connections: Connections | None
    """null when nginx does not answer."""

    tallies: Tallies
    rates: Rates
    charts: Charts
    store: Store
    upstreams: tuple[Upstream, ...]
    fills: tuple[Fill, ...]
    answers: tuple[Answer, ...]
    """The last 20 that were not refused, newest first."""

    wanted: tuple[Wanted, ...] | None
    """The 20 most wanted of the last day; null unless `status.paths` is on."""

    neighbours: tuple[Neighbour, ...]
    log: LogReading
    snippets: dict[str, str]
    """What clients paste, by name: "nix-conf", "nixos", …"""
