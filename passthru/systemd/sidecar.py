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
    words: tuple[str, ...]
    """What follows the command's name, with {state} and {runtime} for the directories.

    It names what is rendered for it, and follows the generation that is live: a reload is the
    transaction's affair alone, and a spec that is refused reaches no sidecar.
    """

    stop_signal: str = "SIGTERM"
    """On which it leaves in peace: those that carry a download's bytes let it end."""

    is_scraped: bool = False
    """Whether it tells of its own process, and must see all of /proc for that."""


SIDECARS: Final = (
    Sidecar(
        "exporter",
        "Metrics and status page of passthru",
        Reach.NONE,
        words=("--facts", "{state}/live/facts.json"),
        is_scraped=True,
    ),
    Sidecar(
        "mdns",
        "Announcement of passthru on the local network",
        Reach.NEIGHBOURS,
        words=("--live", "{state}", "--runtime", "{runtime}"),
    ),
    Sidecar(
        "tunnel",
        "Ways of passthru through proxies",
        Reach.CALLS,
        words=("--list", "{state}/live/tunnels.json"),
        stop_signal="SIGQUIT",
    ),
    Sidecar(
        "fills",
        "Reading along what passthru downloads for another",
        Reach.NONE,
        words=("--settings", "{state}/live/fills.json"),
        stop_signal="SIGQUIT",
    ),
    Sidecar(
        "hot",
        "Plain files of what passthru is asked for again and again",
        Reach.NONE,
        words=("--settings", "{state}/live/hot.json"),
    ),
)
"""In the order in which they are told of."""
