"""The values that labels may have, for the reference: closed sets, or names from the spec."""

from collections.abc import Mapping
from typing import Final

from passthru.stats.kind import CacheStatus, Kind, Outcome
from passthru.stats.totals import CODES, OTHER

LABELS: Final[Mapping[str, str]] = {
    "kind": " ".join(Kind),
    "cache_status": " ".join(CacheStatus),
    "code": " ".join((*sorted(CODES), OTHER)),
    "upstream": f"the names of the spec's upstreams; {OTHER} for what nginx logged under no name",
    "outcome": " ".join(Outcome),
    "cache": "metadata nar",
    "state": "reading writing waiting",
    "version": "of passthru",
    "nginx_version": "of the nginx it was rendered for",
    "generation": "eight hexadecimal digits",
}
"""By the label's name."""
