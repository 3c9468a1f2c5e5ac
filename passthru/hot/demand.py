"""How often each narinfo was a hit of late, by estimate; pure."""

import re
from heapq import nlargest
from typing import Final

from passthru.hot.sample import Sample

WORTH: Final = 50.0
"""Hits within a minute from which on a copy costs less than it saves: its making takes as long as
nginx takes for some twenty of them."""

_NARINFO: Final = b"\tnarinfo/"
"""In each line of a request for one, however it ended."""

_MOST: Final = 10_000
"""Narinfos that are counted at a time."""

_HALF_LIFE: Final = 30.0
"""Seconds after which a hit counts half; at a steady rate the sum is that of about a minute."""

_LEAST: Final = 0.5
_HIT: Final = re.compile(
    # A line of a slow client may be one of a copy that is long gone.
    rb"^2\t[^\t\n]+\tGET\t200\tHIT\tnarinfo/([a-z0-9-]+)\t0\.[0-9]{3}\t[0-9]+"
    rb"\t(/[0-9a-df-np-sv-z]{32}\.narinfo)$",
    re.MULTILINE,
)

Asked = tuple[bytes, bytes]
"""An upstream's name, and a narinfo's path from its slash on."""


class Demand:
    """The counts; moments are of the monotonic clock."""

    def __init__(self, now: float) -> None:
        """Begin with none."""
        self._counts: dict[Asked, float] = {}
        self._all = 0.0
        self._hot = 0.0
        self._halved = now

    def __len__(self) -> int:
        """Return how many narinfos are counted."""
        return len(self._counts)

    @property
    def share(self) -> float:
        """Return the part of all requests for narinfos that was hits of those worth a copy."""
        return self._hot / self._all if self._all else 0.0

    def add(self, sample: Sample) -> dict[Asked, float]:
        """Count the hits of a sample, and return the counts of those that are in it."""
        counts = self._counts
        # A first line that was cut does not begin as one, or is whole.
        asked = _HIT.findall(sample.data)
        for one in asked:
            counts[one] = counts.get(one, 0.0) + sample.weight
        self._all += sample.weight * sample.data.count(_NARINFO)
        self._hot += sample.weight * sum(counts[one] >= WORTH for one in asked)
        return {one: counts[one] for one in asked}

    def age(self, now: float) -> None:
        """Let what is past count less."""
        while now - self._halved >= _HALF_LIFE:
            self._halved += _HALF_LIFE
            self._all, self._hot = self._all / 2, self._hot / 2
            self._counts = {
                one: count / 2 for one, count in self._counts.items() if count / 2 >= _LEAST
            }
        if len(self._counts) > _MOST:
            most = nlargest(_MOST // 2, self._counts.items(), key=lambda item: item[1])
            self._counts = dict(most)
