"""What runs beside nginx, each in a unit of its own: the one list of them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Reach(StrEnum):
    """How much of the network a sidecar is let at."""

    NONE = "none"
    """Unix sockets alone."""

    CALLS = "calls"
    """Connections to others as well."""

    NEIGHBOURS = "neighbours"
    """And the list of interfaces, which multicast takes."""


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A command of passthru's that a unit runs for as long as nginx runs."""

    name: str
    description: str
    reach: Reach
    words: tuple[str, ...] = ("{spec}",)
    """What follows the command's name, with {spec} and {state} for the paths of an installation."""

    is_scraped: bool = False
    """Whether it tells of its own process, and must see all of /proc for that."""


SIDECARS: Final = (
    Sidecar("exporter", "Metrics and status page of passthru", Reach.NONE, is_scraped=True),
    Sidecar("mdns", "Announcement of passthru on the local network", Reach.NEIGHBOURS),
    Sidecar(
        "tunnel",
        "Ways of passthru through proxies",
        Reach.CALLS,
        words=("--list", "{state}/live/tunnels.json"),
    ),
    Sidecar("fills", "Downloads of passthru that several clients wait for", Reach.CALLS),
)
"""In the order in which they are told of."""
