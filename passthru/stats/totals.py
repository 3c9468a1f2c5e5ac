"""The counters: what all lines of the log come to; plain dicts, so that counting costs little."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from passthru.stats.durations import Durations
from passthru.stats.kind import CacheStatus, Kind, Outcome

CODES: Final = frozenset(
    {
        *(
            "200",
            "204",
            "206",
            "301",
            "302",
            "304",
            "400",
            "403",
            "404",
            "405",
            "408",
            "410",
            "413",
        ),
        *("414", "416", "429", "431", "499", "500", "501", "502", "503", "504", "505", "508"),
    }
)
"""The statuses counted under their own name."""

OTHER: Final = "other"
"""What stands for every status and every upstream's name that is not known."""

K = TypeVar("K", bound=Hashable)


@dataclass(slots=True)
class Totals:
    """Counts since counting began. A key that is not there stands for nothing."""

    lines: int = 0
    """Lines read: of requests, of refreshes, of an older format, and unparsable ones."""

    unparsable_lines: int = 0
    requests: dict[tuple[Kind, CacheStatus], int] = field(default_factory=dict)
    sent_bytes: dict[tuple[Kind, CacheStatus], int] = field(default_factory=dict)
    """Bytes of body sent to clients."""

    responses: dict[tuple[Kind, str], int] = field(default_factory=dict)
    """By status: one of CODES, or OTHER."""

    durations: dict[Kind, Durations] = field(default_factory=dict)
    """Without what was served stale: nginx says of it how long the refresh took."""

    upstream_requests: dict[tuple[str, Outcome], int] = field(default_factory=dict)
    """How often each upstream was really asked; several times for one request, or never."""

    upstream_bytes: dict[str, int] = field(default_factory=dict)
    """Bytes of bodies received."""

    upstream_durations: dict[str, Durations] = field(default_factory=dict)
    """From the beginning of the connection to the end of the answer."""

    last_line_at: float | None = None

    def add(self, other: "Totals") -> None:
        """Add what `other` counted, later than we did."""
        self.lines += other.lines
        self.unparsable_lines += other.unparsable_lines
        add_counts(self.requests, other.requests)
        add_counts(self.sent_bytes, other.sent_bytes)
        add_counts(self.responses, other.responses)
        add_counts(self.upstream_requests, other.upstream_requests)
        add_counts(self.upstream_bytes, other.upstream_bytes)
        add_durations(self.durations, other.durations)
        add_durations(self.upstream_durations, other.upstream_durations)
        if other.last_line_at is not None:
            self.last_line_at = other.last_line_at

    def copy(self) -> "Totals":
        """Return the same counts, for somebody to change."""
        copied = Totals()
        copied.add(self)
        return copied


def add_counts(ours: dict[K, int], theirs: Mapping[K, int]) -> None:
    """Add counts key by key."""
    for key, count in theirs.items():
        ours[key] = ours.get(key, 0) + count


def add_durations(ours: dict[K, Durations], theirs: Mapping[K, Durations]) -> None:
    """Add histograms key by key."""
    for key, durations in theirs.items():
        if key not in ours:
            ours[key] = Durations()
        ours[key].add(durations)
