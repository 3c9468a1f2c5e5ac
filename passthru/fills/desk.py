"""What each follower is told: to read along, or where to look instead."""

import asyncio
import os
from functools import partial
from typing import Final

from passthru.fills.fill import Fill, Phase
from passthru.fills.leader import is_led
from passthru.fills.question import Question
from passthru.fills.recent import Recent
from passthru.fills.reply import Instead
from passthru.fills.search import LONGEST, Later, Nothing, Sought, search
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

_WAITED_FOR: Final = 64 << 20
"""Bytes that come once more before a client has a new one; Nix bears 300 s without any."""

_CUT: Final = 6 * 3600.0
"""Seconds for which a download that a client who went on was given is known; it may take hours."""

_TOGETHER: Final = 0.2
"""Seconds in which many who were cut together come back; Nix takes .25 s at least to try again."""

_KEPT: Final = 1.0
"""Seconds that a download stays open for those who have not begun to follow it yet."""

_HANGING: Final = 600.0
"""Seconds for which an upstream that hung at a NAR is passed over where a later one's copy is there."""

_MARGIN: Final = 5.0
"""Seconds before the end of nginx's patience with us."""

_Searched = Watch | Nothing | Later | Instead


class Desk:
    """All downloads that are followed; `settings` may be replaced."""

    def __init__(self, settings: Settings) -> None:
        """Begin with none."""
        self.settings = settings
        self._watches: dict[tuple[int, int], Watch] = {}
        self._searches: dict[Sought, asyncio.Task[_Searched]] = {}
        self._passed = Recent(_ALONE)
        self._wholes = Recent(_CUT)
        self._rests = Recent(_ALONE)
        self._hanging = Recent(_HANGING)

    async def decide(self, question: Question) -> Watch | Instead | Later:
        """Return the download that a follower is to read along, joined, or where it is to look.

        Who has read it subtracts itself from its `readers` and leaves it.
        """
        for _ in range(_TRIES):
            found = await self._find(question)
            if isinstance(found, Later | Instead):
                return found
            if isinstance(found, Nothing):
                if not found.dead:
                    return self._send_on(question, found)
                if self._goes_first(question.keys[0]):
                    return Instead.PAST_THE_LOCK
                continue
            found.join()
            try:
                verdict = await self._judge(question, found)
            except BaseException:
                found.leave()
                raise
            if verdict is Phase.GROWING:
                found.readers += 1
                return found
            found.leave()
            if verdict is Phase.STORED:
                break
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

        Who goes on has the whole downloaded again, which will be stored, unless so much comes before
        what he wants that he would wait long, or the last such download is not there, so was cut, too.
        Then he has the rest. Of many few ask for it, and the others download the whole: who asks for
        what comes later than the last one did goes on with what that one got.
        """
        part, key = question.part, question.keys[0]
        if part is None or part.first == 0 or question.head_only or found.stored:
            return Instead.OTHERWISE
        since = self._wholes.age(key)
        if part.first <= _WAITED_FOR and (since is None or since < _TOGETHER):
            if since is None:
                self._wholes.note(key)
            return Instead.OTHERWISE
        if part.first <= (self._rests.get(key) or 0):
            return Instead.OTHERWISE
        self._rests.note(key, part.first)
        return Instead.THE_REST

    def _has_room(self, watch: Watch) -> bool:
        """Say whether one more can read along without that the others take longer for it."""
        sent = sum(each.readers * each.speed() for each in self._watches.values())
        return sent + watch.speed() <= _CAPACITY * len(os.sched_getaffinity(0))

    async def _find(self, question: Question) -> _Searched:
        """Search, together with all others who ask for the same."""
        sought = Sought(
            keys=question.keys,
            any_download=question.again is not None,
            hangs=self._hanging.age(question.keys[0]) is not None,
            patience=self.settings.patience - _MARGIN,
        )
        task = self._searches.get(sought)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._search(sought, question.led))
            self._searches[sought] = task
            task.add_done_callback(lambda _: self._searches.pop(sought))
        return await asyncio.shield(task)

    async def _search(self, sought: Sought, led: str) -> _Searched:
        settings, clock = self.settings, asyncio.get_running_loop().time
        began = clock()
        found = await search(settings.zone, sought, partial(is_led, settings.nginx, led))
        if isinstance(found, Nothing):
            return found
        if found.index > 0 and clock() - began > LONGEST:
            self._hanging.note(sought.keys[0])
        if isinstance(found, Later):
            return found
        watch = self._watch(found.fill)
        watch.join()
        asyncio.get_running_loop().call_later(_KEPT, watch.leave)
        return Instead.AGAIN if found.index > 0 else watch

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
        if self._passed.age(key) is not None:
            return False
        self._passed.note(key)
        return True
