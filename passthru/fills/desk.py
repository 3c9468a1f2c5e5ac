"""What each follower is told: to read along, or where to look instead."""

import asyncio
import os
from dataclasses import replace
from functools import partial
from typing import Final

from passthru.fills.fill import Fill, Phase
from passthru.fills.leader import is_led
from passthru.fills.question import Question
from passthru.fills.reply import Instead
from passthru.fills.search import Nothing, search
from passthru.fills.settings import Settings
from passthru.fills.watch import Watch

_MEASURE: Final = 0.05
"""Seconds of a download that its speed is judged by."""

_LONGEST_MEASURE: Final = 0.15
"""The same where nothing came meanwhile."""

_SOON: Final = 1.0
"""Seconds within which a download's end is waited for: nginx sends what is stored faster than we."""

_AT_ONCE: Final = 0.1
"""The same, however few follow: nobody notices."""

_LONGEST_WAIT: Final = 1.5

_CAPACITY: Final = 1_200_000_000
"""Bytes a second that nginx and we can send as they come, on one core that has little else to do."""

_TRIES: Final = 20
_ALONE: Final = 5.0
"""Seconds for which one goes past a lock, or for the rest, alone: the others see a download then."""

_KEPT: Final = 1.0
"""Seconds that a download stays open for those who have not begun to follow it yet."""

_Key = tuple[str, ...]
_Searched = tuple[int, Watch] | Nothing


class Desk:
    """All downloads that are followed; `settings` may be replaced."""

    def __init__(self, settings: Settings) -> None:
        """Begin with none."""
        self.settings = settings
        self._watches: dict[tuple[int, int], Watch] = {}
        self._searches: dict[_Key, asyncio.Task[_Searched]] = {}
        self._passed: dict[str, float] = {}
        self._rests: dict[str, tuple[float, int]] = {}

    async def decide(self, question: Question) -> Watch | Instead:
        """Return the download that a follower is to read along, joined, or where it is to look.

        Who has read it subtracts itself from its `readers` and leaves it.
        """
        for _ in range(_TRIES):
            found = await self._find(question)
            if isinstance(found, Nothing):
                if not found.dead:
                    return self._send_on(question, found)
                if self._goes_first(question.keys[0]):
                    return Instead.PAST_THE_LOCK
                continue
            index, watch = found
            if index > 0:
                if question.again is not None:
                    return Instead.AGAIN
                question = replace(question, keys=question.keys[:1])
                continue
            watch.join()
            try:
                verdict = await self._judge(question, watch)
            except BaseException:
                watch.leave()
                raise
            if verdict is Phase.GROWING:
                watch.readers += 1
                return watch
            watch.leave()
            if verdict is Phase.STORED:
                return Instead.OTHERWISE
        return Instead.OTHERWISE

    async def _judge(self, question: Question, watch: Watch) -> Phase:
        """Wait for the end of a download if it is near; GROWING says that it is not."""
        if question.head_only or watch.fill.head.length is None:
            return watch.phase
        clock = asyncio.get_running_loop().time
        seconds = None
        for measure in (_MEASURE, _LONGEST_MEASURE):
            while watch.phase is Phase.GROWING and (left := watch.began + measure - clock()) > 0:
                await watch.change(left)
            seconds = watch.seconds_left()
            if seconds is not None:
                break
        if seconds is not None and seconds < (_AT_ONCE if self._has_room(watch) else _SOON):
            ends = clock() + _LONGEST_WAIT
            while watch.phase is Phase.GROWING and (left := ends - clock()) > 0:
                await watch.change(left)
        return watch.phase

    def _send_on(self, question: Question, found: Nothing) -> Instead:
        """Say how nginx goes on where there is nothing to follow.

        Of many whose download was cut together few ask for its rest, and the others download it. Who
        asks for what comes later than the last one did goes on with what that one got.
        """
        part = question.part
        if part is None or part.first == 0 or question.head_only or found.stored:
            return Instead.OTHERWISE
        now = asyncio.get_running_loop().time()
        self._rests = {k: v for k, v in self._rests.items() if now - v[0] < _ALONE}
        if part.first <= self._rests.get(question.keys[0], (now, 0))[1]:
            return Instead.OTHERWISE
        self._rests[question.keys[0]] = now, part.first
        return Instead.THE_REST

    def _has_room(self, watch: Watch) -> bool:
        """Say whether one more can read along without that the others take longer for it."""
        sent = sum(each.readers * each.speed() for each in self._watches.values())
        return sent + watch.speed() <= _CAPACITY * len(os.sched_getaffinity(0))

    async def _find(self, question: Question) -> _Searched:
        """Search, together with all others who ask for the same."""
        task = self._searches.get(question.keys)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._search(question))
            self._searches[question.keys] = task
            task.add_done_callback(lambda _: self._searches.pop(question.keys))
        return await asyncio.shield(task)

    async def _search(self, question: Question) -> _Searched:
        settings = self.settings
        ask = partial(is_led, settings.nginx, question.led)
        found = await search(settings.zone, question.keys, ask)
        if isinstance(found, Nothing):
            return found
        watch = self._watch(found.fill)
        watch.join()
        asyncio.get_running_loop().call_later(_KEPT, watch.leave)
        return found.index, watch

    def _watch(self, fill: Fill) -> Watch:
        known = self._watches.get(fill.identity)
        if known is not None:
            fill.close()
            return known
        watch = Watch(
            fill,
            patience=self.settings.patience,
            forget=partial(self._watches.pop, fill.identity, None),
        )
        self._watches[fill.identity] = watch
        return watch

    def _goes_first(self, key: str) -> bool:
        """Say whether a follower may download past a dead one's lock, and note that it does."""
        now = asyncio.get_running_loop().time()
        self._passed = {k: t for k, t in self._passed.items() if now - t < _ALONE}
        if key in self._passed:
            return False
        self._passed[key] = now
        return True
