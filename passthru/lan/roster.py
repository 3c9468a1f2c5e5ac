"""The caches that are known now: heard, bounded in number, and looked at again and again."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from passthru.lan.announcement import CACHES_ONLY
from passthru.lan.neighbour import Heard, IpAddress, Neighbour, check
from passthru.lan.probe import Look, probe

MOST: Final = 64
"""Caches that are kept in mind; a network that says more of them is not a network of caches."""

WELL_EVERY: Final = 15.0
AILING_EVERY: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds between two looks at one that answers, and at one that has not, time after time."""

SILENCE_SECONDS: Final = 300.0
"""For which one that gave way is not taken in again, unless it says something new."""

_AT_ONCE: Final = MOST
_MOST_SILENT: Final = 8192

LISTED: Final = ""
"""In the place of an interface, for those that a spec lists."""

Key = tuple[str, str]
"""The service and the interface it was heard on."""


@dataclass(slots=True)
class _Entry:
    neighbour: Neighbour
    due: float
    failures: int = 0
    looking: bool = False


class Roster:
    """All neighbours by what they call themselves; used inside one running event loop."""

    def __init__(
        self,
        *,
        identity: str | None,
        anywhere: bool = False,
        types: frozenset[str] = CACHES_ONLY,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        """Begin without any; `identity` is our own, `on_change` is called for every difference."""
        self.loop_token = ""
        """What our own cache knows itself by."""

        self.own: frozenset[str] = frozenset()
        self._identity = identity
        self._anywhere = anywhere
        self._types = types
        self._on_change = on_change
        self._entries: dict[Key, _Entry] = {}
        self._silent: dict[Key, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._due = asyncio.Event()

    @property
    def neighbours(self) -> tuple[Neighbour, ...]:
        """All of them, the best first, each once on however many interfaces and by whatever type."""
        all_of_them = [entry.neighbour for entry in self._entries.values()]
        by_service = _best_by(all_of_them, lambda one: one.service)
        return tuple(sorted(_best_by(by_service, lambda one: one.url), key=lambda one: one.rank))

    def heard(self, heard: Heard) -> None:
        """Take in what a link has heard, checked."""
        key = (heard.service, heard.interface)
        neighbour = check(heard, seen_at=time.time(), types=self._types, anywhere=self._anywhere)
        if neighbour is None:
            self.gone(*key)
            return
        neighbour = replace(neighbour, ourselves=self._is_ourselves(neighbour))
        known = self._entries.get(key)
        if known is None:
            if not self._make_room(neighbour.address):
                return
            self._entries[key] = _Entry(neighbour, due=0.0)
        else:
            old = known.neighbour
            same_place = (old.address, old.port) == (neighbour.address, neighbour.port)
            known.neighbour = replace(
                neighbour,
                healthy=old.healthy if same_place else None,
                latency=old.latency if same_place else None,
                store_dir=old.store_dir if same_place else None,
            )
            if not same_place:
                known.due = 0.0
        self._due.set()
        self._on_change()

    def put(self, neighbour: Neighbour) -> None:
        """Take in one that was not heard but listed; its address may have changed."""
        known = self._entries.get((neighbour.service, LISTED))
        if known is None or known.neighbour.address != neighbour.address:
            self._entries[neighbour.service, LISTED] = _Entry(neighbour, due=0.0)
            self._due.set()
            self._on_change()

    def gone(self, service: str, interface: str) -> None:
        """Forget one that said goodbye, or was not heard of for its time."""
        if self._entries.pop((service, interface), None):
            self._on_change()

    def knows(self, service: str, interface: str) -> bool:
        """Say whether it is among those kept in mind, or was lately and did not answer."""
        key = (service, interface)
        dropped = self._silent.get(key)
        return key in self._entries or (
            dropped is not None and time.monotonic() - dropped < SILENCE_SECONDS
        )

    def heard_on(self, interface: str) -> dict[str, str]:
        """Return the services heard on an interface, and their types."""
        return {
            service: entry.neighbour.type
            for (service, where), entry in self._entries.items()
            if where == interface
        }

    def forget_all_but(self, interfaces: Iterable[str]) -> None:
        """Forget all that was heard on other interfaces than these."""
        kept = set(interfaces)
        for service, interface in list(self._entries):
            if interface not in kept and interface != LISTED:
                self.gone(service, interface)

    def doubt(self, neighbour: Neighbour) -> None:
        """Take one that has just failed for unwell, and look at it at once."""
        for entry in self._entries.values():
            one = entry.neighbour
            if (one.address, one.port) == (neighbour.address, neighbour.port) and one.healthy:
                entry.neighbour = one.probed(healthy=False, latency=None, store_dir=one.store_dir)
                entry.due = 0.0
                self._due.set()
                self._on_change()

    async def watch(self) -> None:
        """Look at all of them when they are due, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            self._due.clear()
            now = loop.time()
            for key, entry in list(self._entries.items()):
                if entry.due <= now and not entry.looking and len(self._tasks) < _AT_ONCE:
                    entry.looking = True
                    task = loop.create_task(self._look(key, entry))
                    self._tasks.add(task)
                    task.add_done_callback(partial(self._done))
            waiting = [e.due for e in self._entries.values() if not e.looking]
            left = min(waiting, default=now + WELL_EVERY) - loop.time()
            with suppress(TimeoutError):
                async with asyncio.timeout(max(left, 0.05)):
                    await self._due.wait()

    def close(self) -> None:
        """Stop looking."""
        for task in self._tasks:
            task.cancel()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._due.set()

    async def _look(self, key: Key, entry: _Entry) -> None:
        asked = entry.neighbour
        look: Look | None = None
        try:
            look = await probe(asked, loop_token=self.loop_token)
        finally:
            entry.looking = False
            entry.failures = 0 if look else entry.failures + 1
            pause = WELL_EVERY if look else AILING_EVERY[min(entry.failures, len(AILING_EVERY)) - 1]
            entry.due = asyncio.get_running_loop().time() + pause
        moved = (asked.address, asked.port) != (entry.neighbour.address, entry.neighbour.port)
        if moved or self._entries.get(key) is not entry:
            entry.due = 0.0
            return
        before = entry.neighbour
        entry.neighbour = before.probed(
            healthy=look is not None,
            latency=_smoothed(before.latency, look),
            store_dir=look.info.store_dir if look and look.info else before.store_dir,
        )
        if look:
            known = look.info is None or self._is_ourselves(before)
            entry.neighbour = replace(entry.neighbour, ourselves=known)
        if entry.neighbour != before:
            self._on_change()

    def _is_ourselves(self, neighbour: Neighbour) -> bool:
        identity = neighbour.told.identity
        return str(neighbour.address) in self.own or (
            identity is not None and identity == self._identity
        )

    def _make_room(self, address: IpAddress) -> bool:
        """Make place for one more at `address`, if there is one to make.

        First one that did not answer gives way, then one at the address that has the most.
        """
        if len(self._entries) < MOST:
            return True
        silent = [key for key, entry in self._entries.items() if entry.neighbour.healthy is False]
        count = Counter(entry.neighbour.address for entry in self._entries.values())
        loudest, most = count.most_common(1)[0]
        if silent:
            victim = max(silent, key=lambda key: self._entries[key].failures)
        elif count[address] + 1 < most:
            victim = next(k for k, e in self._entries.items() if e.neighbour.address == loudest)
        else:
            return False
        if len(self._silent) >= _MOST_SILENT:
            self._silent.clear()
        self._silent[victim] = time.monotonic()
        del self._entries[victim]
        return True


def _best_by(
    neighbours: Iterable[Neighbour], key: Callable[[Neighbour], str]
) -> Iterable[Neighbour]:
    """Return the best of those that are alike."""
    best: dict[str, Neighbour] = {}
    for one in neighbours:
        other = best.get(key(one))
        if other is None or _standing(one) < _standing(other):
            best[key(one)] = one
    return best.values()


def _standing(one: Neighbour) -> tuple[bool, bool, tuple[int, float, str]]:
    """Return what comes first among those that are one cache: listed, then well, then quick."""
    return one.interface != LISTED, not one.healthy, one.rank


def _smoothed(before: float | None, look: Look | None) -> float | None:
    """Return a latency that one slow answer does not turn over."""
    if look is None:
        return None
    return look.seconds if before is None else 0.7 * before + 0.3 * look.seconds
