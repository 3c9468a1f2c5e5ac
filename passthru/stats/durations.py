"""How long things took, counted into the buckets that the metrics have."""

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import Final

BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
"""Upper bounds in seconds: a narinfo at one end, a NAR of a gigabyte at the other."""

_MILLISECONDS: Final = tuple(round(bound * 1000) for bound in BUCKETS)


def bucket_of(milliseconds: int) -> int:
    """Return which bucket a duration falls into; its upper bound belongs to it."""
    return bisect_left(_MILLISECONDS, milliseconds)


@dataclass(slots=True)
class Durations:
    """A histogram: how many fell into each bucket (not summed up), the last one without a bound."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    milliseconds: int = 0
    """The sum of all; whole, so that it comes out the same in whatever order it is added up."""

    @property
    def seconds(self) -> float:
        """The sum of all."""
        return self.milliseconds / 1000

    @property
    def total(self) -> int:
        """How many there are."""
        return sum(self.counts)

    def count(self, milliseconds: int) -> None:
        """Count one duration."""
        self.counts[bucket_of(milliseconds)] += 1
        self.milliseconds += milliseconds

    def add(self, other: "Durations") -> None:
        """Add what another histogram has."""
        self.counts = [
            ours + theirs for ours, theirs in zip(self.counts, other.counts, strict=True)
        ]
        self.milliseconds += other.milliseconds

    def quantile(self, share: float) -> float | None:
        """Estimate what `share` of all did not exceed, evenly spread in a bucket; None for none."""
        rank = share * self.total
        below = 0
        for index, count in enumerate(self.counts):
            if count and below + count >= rank:
                if index == len(BUCKETS):
                    return float(BUCKETS[-1])
                lower = BUCKETS[index - 1] if index else 0.0
                return lower + (BUCKETS[index] - lower) * (rank - below) / count
            below += count
        return None
