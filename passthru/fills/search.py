"""Looking for the download that a request leads, until there is something to say of it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from passthru.fills.fill import Fill
from passthru.fills.zone import Zone

_EVERY: Final = 0.01
_ASK_EVERY: Final = 0.05
_DEAD: Final = 0.5
"""Seconds after which a download that nobody writes is taken for the one that nginx waits for."""

LONGEST: Final = 3.0
"""Seconds within which an upstream that is asked should have begun to answer."""

_UNTOLD: Final = 1.0
"""The same where nginx does not tell whether somebody leads."""

_CALM: Final = 10
"""How many times less often is looked after that."""


@dataclass(frozen=True, slots=True)
class Found:
    """A download under way, of the key at `index`; its finder closes it."""

    fill: Fill
    index: int


@dataclass(frozen=True, slots=True)
class Nothing:
    """It is stored, under one of its keys, or nobody downloads it."""

    dead: bool = False
    """Whether somebody did who was killed."""
    stored: bool = False


@dataclass(frozen=True, slots=True)
class Later:
    """The first upstream hangs; what the one at `index` gave is stored, or on its way."""

    index: int
    stored: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What is looked for, and for how long."""

    keys: tuple[str, ...]
    """What it may be stored under; the first upstream's is wanted most of all."""

    any_download: bool
    """Whether one of another key is told of at once, and not only where the first one's hangs."""

    hangs: bool
    """Whether the first upstream is known to hang."""

    patience: float
    """Seconds that it may hang while another one may come after it."""


_Seen = Found | Nothing | Later | None


async def search(
    zone: Zone, sought: Sought, is_led: Callable[[], Awaitable[bool | None]]
) -> Found | Nothing | Later:
    """Look for a download of one of the keys until there is something to say."""
    clock = asyncio.get_running_loop().time
    began = clock()
    ask_at = began + _ASK_EVERY / 2
    led: bool | None = True  # as long as nginx was not asked
    while True:
        seen = _look(zone, sought)
        now = clock()
        calm = _CALM if now - began > LONGEST else 1
        if now >= ask_at:
            led, ask_at = await is_led(), now + _ASK_EVERY * calm
        verdict = _judge(seen, sought, led=led, waited=now - began)
        if verdict is not None:
            return verdict
        await asyncio.sleep(_EVERY * calm)


def _judge(
    seen: _Seen, sought: Sought, *, led: bool | None, waited: float
) -> Found | Nothing | Later | None:
    """Return what there is to say after so many seconds; None to look again."""
    longest = _UNTOLD if led is None else LONGEST
    match seen:
        case Found() | Nothing(dead=False):
            return seen
        case Later() if sought.hangs or waited > longest:
            return seen
        case _ if led is False:
            return Nothing(stored=_is_stored(seen))
        case Nothing(dead=True) if waited > _DEAD:
            return seen
    if len(sought.keys) > 1 and led:
        longest = max(longest, sought.patience)
    return Nothing(stored=_is_stored(seen)) if waited > longest else None


def _is_stored(seen: _Seen) -> bool:
    return isinstance(seen, Later | Nothing) and seen.stored


def _look(zone: Zone, sought: Sought) -> _Seen:
    """Return what is there now; a dead download only where nothing else is."""
    dead, stored, later = False, False, None
    for index, key in enumerate(sought.keys):
        seen = zone.look(key)
        if seen.stored and index == 0:
            return Nothing(stored=True)
        stored = stored or seen.stored
        if seen.fill is not None and (index == 0 or sought.any_download):
            return Found(seen.fill, index)
        if seen.fill is not None:
            seen.fill.close()
        if index and later is None and (seen.stored or seen.fill is not None):
            later = Later(index, stored=seen.stored)
        dead = dead or seen.dead
    return later or (Nothing(dead=True, stored=stored) if dead else None)
