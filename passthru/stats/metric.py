"""Every metric there is: its name, type, labels and meaning. The reference is made from this."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Type(StrEnum):
    """The types of Prometheus that we have."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric; `name` is how it is written in queries, less a histogram's `_bucket` and so on."""

    name: str
    type: Type
    help: str
    labels: tuple[str, ...] = ()


BUILD: Final = Metric(
    "passthru_build_info",
    Type.INFO,
    "Versions of passthru and of nginx; always 1",
    ("version", "nginx_version"),
)
REQUESTS: Final = Metric(
    "passthru_requests_total",
    Type.COUNTER,
    "Requests of clients, by what was asked for and what nginx's cache had for it",
    ("kind", "cache_status"),
)
RESPONSES: Final = Metric(
    "passthru_responses_total",
    Type.COUNTER,
    "Answers to clients by HTTP status; unusual ones count as other",
    ("kind", "code"),
)
RESPONSE_BYTES: Final = Metric(
    "passthru_response_bytes_total",
    Type.COUNTER,
    "Bytes of bodies sent to clients; less what came from upstreams, it is what was saved",
    ("kind", "cache_status"),
)
REQUEST_SECONDS: Final = Metric(
    "passthru_request_duration_seconds",
    Type.HISTOGRAM,
    "From the first byte of a request to the last of its answer, slow clients included, stale ones not",
    ("kind",),
)
UPSTREAM_BYTES: Final = Metric(
    "passthru_upstream_received_bytes_total",
    Type.COUNTER,
    "Bytes of bodies received from an upstream",
    ("upstream",),
)
UPSTREAM_REQUESTS: Final = Metric(
    "passthru_upstream_requests_total",
    Type.COUNTER,
    "Requests sent to an upstream for clients; one request may go to several, or to none",
    ("upstream", "outcome"),
)
UPSTREAM_SECONDS: Final = Metric(
    "passthru_upstream_response_seconds",
    Type.HISTOGRAM,
    "From the beginning of the connection to an upstream to the end of its answer",
    ("upstream",),
)
UPSTREAM_PROBES: Final = Metric(
    "passthru_upstream_probes_total",
    Type.COUNTER,
    "Questions of passthru's own to an upstream that no client asked for a while",
    ("upstream", "outcome"),
)
CACHE_SIZE: Final = Metric(
    "passthru_cache_size_bytes",
    Type.GAUGE,
    "Disk that stored files take, as of the last walk; NaN before the first",
    ("cache",),
)
CACHE_MAX: Final = Metric(
    "passthru_cache_max_size_bytes", Type.GAUGE, "What they may take", ("cache",)
)
CACHE_FILES: Final = Metric(
    "passthru_cache_files",
    Type.GAUGE,
    "Stored files, as of the last walk; NaN before the first",
    ("cache",),
)
CACHE_SCAN_AT: Final = Metric(
    "passthru_cache_scan_timestamp_seconds",
    Type.GAUGE,
    "When the last walk ended; 0 before the first",
    ("cache",),
)
CACHE_SCAN_SECONDS: Final = Metric(
    "passthru_cache_scan_duration_seconds",
    Type.GAUGE,
    "How long the last walk took, its pauses included; NaN before the first",
    ("cache",),
)
CACHE_AVAILABLE: Final = Metric(
    "passthru_cache_filesystem_avail_bytes",
    Type.GAUGE,
    "What the file system below has left",
    ("cache",),
)
CACHE_MIN_FREE: Final = Metric(
    "passthru_cache_min_free_bytes",
    Type.GAUGE,
    "What it is to have left (cache.min_free); with less than half of it nothing new is stored",
    ("cache",),
)
FILLS: Final = Metric(
    "passthru_fills_in_flight", Type.GAUGE, "Downloads of NARs from upstreams that are under way"
)
LOG_LINES: Final = Metric(
    "passthru_log_lines_total", Type.COUNTER, "Lines of the access log that were read"
)
LOG_ERRORS: Final = Metric(
    "passthru_log_parse_errors_total",
    Type.COUNTER,
    "Those among them that could not be understood",
)
LOG_LAST: Final = Metric(
    "passthru_log_last_line_timestamp_seconds",
    Type.GAUGE,
    "When the newest line was written; 0 before the first",
)
LOG_BEHIND: Final = Metric(
    "passthru_log_behind_bytes",
    Type.GAUGE,
    "What nginx has written to the log and the exporter has not read",
)
LOG_READABLE: Final = Metric(
    "passthru_log_readable",
    Type.GAUGE,
    "Whether the log could be read at the last try, and its disk has room for more",
)
HISTORY_WRITABLE: Final = Metric(
    "passthru_history_writable",
    Type.GAUGE,
    "Whether totals and history are on disk; if not, they are in memory and written when they can be",
)
NGINX_UP: Final = Metric("passthru_nginx_up", Type.GAUGE, "Whether nginx answers on its socket")
NGINX_CONNECTIONS: Final = Metric(
    "passthru_nginx_connections",
    Type.GAUGE,
    "Connections of clients, by what nginx does with them; needs an nginx with stub_status",
    ("state",),
)
NGINX_REQUESTS: Final = Metric(
    "passthru_nginx_requests_total",
    Type.COUNTER,
    "Requests since nginx started, health checks and scrapes included; needs stub_status",
)
RELOAD_OK: Final = Metric(
    "passthru_config_last_reload_successful",
    Type.GAUGE,
    "Whether the last change of the configuration was seen live",
)
RELOAD_AT: Final = Metric(
    "passthru_config_last_reload_success_timestamp_seconds",
    Type.GAUGE,
    "When one was seen live last; 0 for never",
)
GENERATION: Final = Metric(
    "passthru_config_generation_info",
    Type.INFO,
    "The generation that is live; always 1",
    ("generation",),
)
MDNS: Final = Metric(
    "passthru_mdns_announced", Type.GAUGE, "Whether this cache is heard on the LAN by itself"
)

METRICS: Final = (
    BUILD,
    REQUESTS,
    RESPONSES,
    RESPONSE_BYTES,
    REQUEST_SECONDS,
    UPSTREAM_REQUESTS,
    UPSTREAM_BYTES,
    UPSTREAM_SECONDS,
    UPSTREAM_PROBES,
    CACHE_SIZE,
    CACHE_MAX,
    CACHE_FILES,
    CACHE_SCAN_AT,
    CACHE_SCAN_SECONDS,
    CACHE_AVAILABLE,
    CACHE_MIN_FREE,
    FILLS,
    NGINX_UP,
    NGINX_CONNECTIONS,
    NGINX_REQUESTS,
    LOG_LINES,
    LOG_ERRORS,
    LOG_LAST,
    LOG_BEHIND,
    LOG_READABLE,
    HISTORY_WRITABLE,
    RELOAD_OK,
    RELOAD_AT,
    GENERATION,
    MDNS,
)
