"""The socket at which nginx asks, and a task for each of its questions."""

import asyncio
import logging
import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Final

from passthru.fills.desk import Desk
from passthru.fills.question import LONGEST_QUESTION, Question
from passthru.fills.reply import Instead, plan_stream, redirect, refusal
from passthru.fills.search import Later
from passthru.fills.stream import CutError, send_stream
from passthru.fills.watch import Watch
from passthru.sidecar.door import Door

MOST: Final = 1000
"""Followers at a time; more are sent to their ordinary turn at once."""

_ASK_SECONDS: Final = 5.0

logger: Final = logging.getLogger(__name__)


class Entrance:
    """A listening socket, and those who are served there."""

    def __init__(self, path: str, pid_file: str, desk: Desk, group: asyncio.TaskGroup) -> None:
        """Listen, over whatever a dead one left there; raises OSError."""
        self.path = path
        self._pid_file = Path(pid_file)
        self._desk = desk
        self._door = Door(path, self._serve, group, complain=logger.warning)
        try:
            self._sign()
        except OSError:
            self._door.close()
            raise

    @property
    def count(self) -> int:
        """How many followers there are."""
        return self._door.count

    def mend(self) -> None:
        """Make again what somebody removed of it."""
        self._door.mend()
        if self._door.is_there() and not self._pid_file.exists():
            with suppress(OSError):
                self._sign()

    def _sign(self) -> None:
        self._pid_file.write_text(f"{os.getpid()}\n", encoding="ascii")
        self._pid_file.chmod(0o644)  # nginx's workers are another user

    def close(self) -> None:
        """Stop listening, and remove what leads nginx to us unless it is another's by now."""
        if self._door.is_there():
            with suppress(OSError):
                self._pid_file.unlink(missing_ok=True)
        self._door.close()

    def abort(self) -> None:
        """End all answers where they are."""
        self._door.abort()

    async def _serve(self, stream: socket.socket) -> None:
        try:
            await self._answer(stream)
        except (CutError, OSError, TimeoutError):
            return
        except Exception:  # the other followers do not suffer from it
            logger.exception("this is a bug")

    async def _answer(self, stream: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            question = Question.parse(await _read_head(stream))
        except ValueError:
            await loop.sock_sendall(stream, refusal())
            return
        decision = await self._decide(question)
        if isinstance(decision, Later):
            where = question.later[decision.index - 1]
            await loop.sock_sendall(stream, redirect(Instead.LATER, where))
            return
        if isinstance(decision, Instead):
            target = question.again if decision is Instead.AGAIN else question.otherwise
            await loop.sock_sendall(stream, redirect(decision, target or question.otherwise))
            return
        try:
            await send_stream(stream, decision, plan_stream(question, decision.fill.head))
        finally:
            decision.readers -= 1
            decision.leave()

    async def _decide(self, question: Question) -> Watch | Instead | Later:
        if self.count > MOST:
            return Instead.OTHERWISE
        return await self._desk.decide(question)


async def _read_head(stream: socket.socket) -> bytes:
    """Return the head of a request without its last line; raises ValueError, OSError, TimeoutError."""
    loop = asyncio.get_running_loop()
    head = b""
    async with asyncio.timeout(_ASK_SECONDS):
        while b"\r\n\r\n" not in head:
            piece = await loop.sock_recv(stream, LONGEST_QUESTION)
            head += piece
            if not piece or len(head) > LONGEST_QUESTION:
                raise ValueError("no question")
    return head.partition(b"\r\n\r\n")[0]
