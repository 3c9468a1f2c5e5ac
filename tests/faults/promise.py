"""The words in which a fault's row is written; each stands for one thing that a test can see."""

from dataclasses import dataclass
from enum import Enum, StrEnum

from tests.nginx.fault import Fault


class Kind(StrEnum):
    """What is asked for; each is stored and timed in its own way."""

    NARINFO = "narinfo"
    METADATA = "other metadata"  # listings, logs, realisations
    NAR = "NAR"


class Gets(StrEnum):
    """What a client gets of something that is not stored and that no other upstream has."""

    RIGHT = "the right answer"
    RIGHT_ENCODED = "the right answer, encoded as it came and marked so"
    NO = "404, one line"
    OUTAGE = "502, one line"
    TIMEOUT = "504, one line"
    REFUSED = "502, one line that names the host"
    CUT = "a body that ends before its length; the rest can be had with a range"
    CUT_CHUNKS = "a body without its last chunk; it has to begin anew"
    SHORT = "a short body that looks whole; Nix refuses it"
    AS_IT_CAME = "what came, with the upstream's 200; Nix refuses it"
    CODE_AS_IT_CAME = "the upstream's own code and text; Nix tries again"
    SUCCESS_AS_IT_CAME = "the upstream's own code and text; Nix takes 201, 204 and 206 for answers, and refuses what came with them"
    NOT_HTTP = "what came, without a status line; Nix calls it a failed download"

    @property
    def is_right(self) -> bool:
        """Whether the client has what it asked for."""
        return self in {Gets.RIGHT, Gets.RIGHT_ENCODED}

    @property
    def goes_on(self) -> bool:
        """Whether the next upstream is asked: nothing had been sent to the client yet."""
        return self in {Gets.NO, Gets.OUTAGE, Gets.TIMEOUT, Gets.REFUSED}


class Stores(StrEnum):
    """What of it is kept."""

    NOTHING = "nothing"
    ANSWER = "the answer"
    NO = 'the "no", for `missing_ttl`'
    WRONG = "what came: nginx cannot know"


class Time(StrEnum):
    """How long the client waits at most for the end of what it gets."""

    AT_ONCE = "no time"
    CONNECT = "`connect_timeout`"
    READ = "`read_timeout`, and for metadata 4 s at most"
    UPSTREAM = "as long as the upstream takes"


class Afterwards(StrEnum):
    """When the fault has ended, without a restart."""

    WELL = "the next request is right"
    AFTER_TTL = "right after `missing_ttl`"
    WRONG = "stays wrong: see [Troubleshooting](../troubleshooting.md)"


class Stale(StrEnum):
    """What becomes of something that is stored and past its time, while the fault lasts."""

    SERVED = "served"
    ONCE = "served once more, then 404"
    UNCHANGED = "taken for what the upstream has still"
    REPLACED = "served once more, then replaced by what came"


class Closed(Enum):
    """Faults below HTTP: what an upstream's port does."""

    REFUSES = "refuses"
    SWALLOWS = "swallows"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One fault of an upstream and what is promised while it lasts, of every kind unless `only`."""

    name: str
    """In words, for the page."""

    fault: Fault | Closed
    gets: Gets
    stores: Stores = Stores.NOTHING
    time: Time = Time.AT_ONCE
    afterwards: Afterwards = Afterwards.WELL
    stale: Stale = Stale.SERVED
    only: tuple[Kind, ...] = tuple(Kind)

    @property
    def key(self) -> str:
        """The name as a test's id."""
        return self.name.replace("`", "").replace(",", "").replace(" ", "-")


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineRow:
    """One fault of the machine or of clients; a test of that name, or with that parameter, holds it."""

    key: str
    name: str
    gets: str
    stores: str
    time: str
    afterwards: str
    seconds: float
    """The bound of what is timed in the test."""
