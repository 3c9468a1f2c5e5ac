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
from passthru.fills.stream import CutError, send_stream
from passthru.fills.watch import Watch

MOST: Final = 1000
"""Followers at a time; more are sent to their ordinary turn at once."""

_BACKLOG: Final = 512
_ASK_SECONDS: Final = 5.0
_FULL_SECONDS: Final = 0.1

logger: Final = logging.getLogger(__name__)


class Counter:
    """A listening socket, and those who are served there."""

    def __init__(self, path: str, pid_file: str, desk: Desk, group: asyncio.TaskGroup) -> None:
        """Listen, over whatever a dead one left there; raises OSError."""
        self.path = path
        self._pid_file = Path(pid_file)
        self._desk = desk
        self._group = group
        self._listener = _listen(path)
        self._inode = Path(path).stat().st_ino
        self._pid_file.write_text(f"{os.getpid()}\n", encoding="ascii")
        self._pid_file.chmod(0o644)  # nginx's workers are another user
        self._tasks: set[asyncio.Task[None]] = set()
        self._accepting = group.create_task(self._accept())
        # Not before: a descriptor must not be closed while the event loop waits for it.
        self._accepting.add_done_callback(lambda _: self._listener.close())

    @property
    def count(self) -> int:
        """How many followers there are."""
        return len(self._tasks)

    def close(self) -> None:
        """Stop listening, and remove the socket unless it is another's by now."""
        self._accepting.cancel()
        with suppress(OSError):
            path = Path(self.path)
            if path.stat().st_ino == self._inode:
                self._pid_file.unlink(missing_ok=True)
                path.unlink()

    def abort(self) -> None:
        """End all answers where they are."""
        for task in self._tasks:
            task.cancel()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                stream, _ = await loop.sock_accept(self._listener)
            except OSError as fault:  # too many open files: those waiting are not lost
                logger.warning("cannot accept: %s", fault.strerror)
                await asyncio.sleep(_FULL_SECONDS)
                continue
            task = self._group.create_task(self._serve(stream))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _serve(self, stream: socket.socket) -> None:
        with stream:
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
        if isinstance(decision, Instead):
            target = question.again if decision is Instead.AGAIN else question.otherwise
            await loop.sock_sendall(stream, redirect(decision, target or question.otherwise))
            return
        try:
            await send_stream(stream, decision, plan_stream(question, decision.fill.head))
        finally:
            decision.leave()

    async def _decide(self, question: Question) -> Watch | Instead:
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


def _listen(path: str) -> socket.socket:
    """Return a socket that everybody may connect to, in place of what was at `path`."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    beside = Path(path).with_name(f".{Path(path).name[:-1]}")  # no longer than the other
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        beside.unlink(missing_ok=True)
        listener.setblocking(False)  # noqa: FBT003 - its only argument
        listener.bind(str(beside))
        beside.chmod(0o666)  # nginx's workers are another user
        listener.listen(_BACKLOG)
        beside.replace(path)
    except BaseException:
        listener.close()
        beside.unlink(missing_ok=True)
        raise
    return listener
