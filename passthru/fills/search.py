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

_LONGEST: Final = 3.0
"""Seconds within which an upstream that is asked should have begun to answer."""

_UNTOLD: Final = 1.0
"""The same where nginx does not tell whether somebody leads."""


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


async def search(
    zone: Zone, keys: tuple[str, ...], is_led: Callable[[], Awaitable[bool | None]]
) -> Found | Nothing:
    """Look for a download of one of `keys`, the first of them most of all."""
    clock = asyncio.get_running_loop().time
    began = clock()
    ask_at, longest, dead = began + _ASK_EVERY / 2, _LONGEST, False
    while True:
        stored = False
        for index, key in enumerate(keys):
            seen = zone.look(key)
            stored = stored or seen.stored
            if stored and index == 0:
                return Nothing(stored=True)
            if seen.fill is not None:
                return Found(seen.fill, index)
            dead = dead or seen.dead
        now = clock()
        if now >= ask_at:
            led = await is_led()
            if led is False:
                return Nothing(stored=stored)
            longest = _UNTOLD if led is None else _LONGEST
            ask_at = now + _ASK_EVERY
        if dead and now - began > _DEAD:
            return Nothing(dead=True, stored=stored)
        if now - began > longest:
            return Nothing(stored=stored)
        await asyncio.sleep(_EVERY)
