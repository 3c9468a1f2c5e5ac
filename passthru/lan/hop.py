"""The first upstream of a follower: a unix socket that leads to whichever neighbour is alive.

It answers nginx at once when there is none, so nginx goes on to the next upstream; and nothing of
nginx's configuration changes when neighbours come and go.
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from passthru.lan.believing import LONGEST_NARINFO, DisbeliefError, believe, read_nar_target
from passthru.lan.calling import calling
from passthru.lan.exchange import (
    PIECE,
    ExchangeError,
    Request,
    read_body,
    read_request,
    read_whole,
    write_head,
)
from passthru.lan.following import Following, has_travelled, mark_of
from passthru.lan.neighbour import Neighbour

NARINFO_SECONDS: Final = 3.0
"""For all neighbours together: below what nginx waits, and what a client bears."""

NAR_SECONDS: Final = 60.0
"""Until the first byte: the neighbour may have to fetch it from its own upstream."""

LOOP_SECONDS: Final = 60.0
"""For which one that leads back to us is not asked again."""

OK, NO, GONE, UNREACHABLE = 200, 404, 503, 0
_NOES: Final = frozenset((403, 404, 410))
_LOOP: Final = 508
_MOST_TOLD: Final = 64

logger: Final = logging.getLogger(__name__)


class Hop:
    """The socket; used inside one running event loop."""

    def __init__(
        self,
        following: Following,
        *,
        neighbours: Callable[[], tuple[Neighbour, ...]],
        doubt: Callable[[Neighbour], None],
        identity: str | None = None,
    ) -> None:
        """Say whom to ask: `neighbours` gives the best first, `doubt` is told of those that failed."""
        self.following = following
        self._neighbours = neighbours
        self._doubt = doubt
        self._identity = identity
        self._server: asyncio.Server | None = None
        self._loops: dict[str, float] = {}
        self._told: set[tuple[str, str]] = set()

    async def open(self) -> None:
        """Listen, over whatever a dead one left there; raises OSError."""
        path = Path(self.following.socket)
        beside = path.with_name(f".{path.name}")
        beside.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(
            self._serve, str(beside), limit=PIECE, backlog=512
        )
        beside.chmod(0o666)  # nginx's workers are another user
        os.replace(beside, path)  # noqa: PTH105 - Path.replace() says the same

    def is_there(self) -> bool:
        """Say whether the socket is where nginx looks, or there is no directory for it to be in."""
        path = Path(self.following.socket)
        return path.exists() or not path.parent.is_dir()

    async def close(self) -> None:
        """Stop listening; what is on its way ends with us."""
        if self._server is not None:
            self._server.close()
            self._server = None
            with suppress(OSError):
                os.unlink(self.following.socket)  # noqa: PTH108 - not worth a thread

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await read_request(reader):
                if not await self._answer(request, writer):
                    break
        except (OSError, ExchangeError):
            pass  # nginx went away
        except Exception:  # the other requests do not suffer from it
            logger.exception("this is a bug")
        finally:
            writer.close()

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        """Answer, and say whether the connection is good for another request."""
        loop_header = request.headers.get("cdn-loop", "")
        path_hash, dot, kind = request.target[1:].partition(".")
        nar = read_nar_target(request.target)
        if has_travelled(loop_header) or request.method != "GET":
            status, body = GONE, b""
        elif nar is not None:
            return await self._pass_nar(*nar, loop_header, writer)
        elif dot and kind == "narinfo" and path_hash.isalnum():
            status, body = await self._find_narinfo(path_hash, loop_header)
        else:
            status, body = NO, b""
        return await _reply(writer, status, body)

    async def _find_narinfo(self, path_hash: str, loop_header: str) -> tuple[int, bytes]:
        """Ask the best neighbours in turn; a "no" counts only if all of them could be asked."""
        status = GONE
        chosen = self.following.choose(self._neighbours(), path_hash, identity=self._identity)
        with suppress(TimeoutError):
            async with asyncio.timeout(NARINFO_SECONDS):
                for index, neighbour in enumerate(one for one in chosen if not self._is_loop(one)):
                    found, body = await self._ask(neighbour, path_hash, loop_header)
                    if found == OK or (found != UNREACHABLE and self.following.peers is not None):
                        return max(found, OK), body  # who owns a path has the last word on it
                    found = found or GONE
                    status = found if index == 0 else max(status, found)
                return status, b""
        return GONE, b""

    async def _ask(
        self, neighbour: Neighbour, path_hash: str, loop_header: str
    ) -> tuple[int, bytes]:
        target = f"/{path_hash}.narinfo"
        try:
            async with calling(
                neighbour, target, loop_header=loop_header, seconds=NARINFO_SECONDS
            ) as call:
                status = call.response.status
                if status != OK:
                    return self._refused(neighbour, status), b""
                body = await read_whole(call.reader, call.response.length, most=LONGEST_NARINFO)
        except (OSError, TimeoutError) as fault:
            self._fail(neighbour, fault)
            return UNREACHABLE, b""
        except ExchangeError as error:
            self._tell(neighbour, str(error))
            return GONE, b""
        try:
            return OK, believe(
                body,
                path_hash=path_hash,
                keys=None if self.following.trusts(neighbour) else self.following.keys,
                store_dir=self.following.store_dir,
                mark=mark_of(neighbour),
            )
        except DisbeliefError as error:
            self._tell(neighbour, str(error))
            return NO, b""

    async def _pass_nar(
        self, mark: str, target: str, loop_header: str, writer: asyncio.StreamWriter
    ) -> bool:
        """Pass a NAR on; once it has begun, a failure cuts it, so that nginx does not store it."""
        neighbour = next(
            (
                one
                for one in self._neighbours()
                if one.healthy and mark_of(one) == mark and self.following.admits(one)
            ),
            None,
        )
        if neighbour is None or self._is_loop(neighbour):
            return await _reply(writer, GONE)
        begun = False
        try:
            async with calling(
                neighbour, target, loop_header=loop_header, seconds=NAR_SECONDS
            ) as call:
                status = call.response.status
                if status != OK:
                    return await _reply(writer, self._refused(neighbour, status))
                length = call.response.length
                begun = True
                writer.write(write_head(OK, length))
                async for piece in read_body(call.reader, length):
                    writer.write(
                        piece if length is not None else b"%x\r\n%b\r\n" % (len(piece), piece)
                    )
                    await writer.drain()
                if length is None:
                    writer.write(b"0\r\n\r\n")
                    await writer.drain()
        except (OSError, TimeoutError) as fault:
            if not writer.is_closing():  # then it was nginx that went
                self._fail(neighbour, fault)
            return False if begun else await _reply(writer, GONE)
        except ExchangeError as error:
            self._tell(neighbour, str(error))
            return False if begun else await _reply(writer, GONE)
        return True

    def _refused(self, neighbour: Neighbour, status: int) -> int:
        """Return what a neighbour's refusal amounts to."""
        if status in _NOES:
            return NO
        if status == _LOOP:  # it is us, under another address, or leads back to us
            self._loops[mark_of(neighbour)] = time.monotonic()
        elif status < 400:  # noqa: PLR2004 - where errors begin
            self._tell(neighbour, f"an answer of {status}, and it may not send us elsewhere")
        return GONE

    def _is_loop(self, neighbour: Neighbour) -> bool:
        met = self._loops.get(mark_of(neighbour))
        return met is not None and time.monotonic() - met < LOOP_SECONDS

    def _fail(self, neighbour: Neighbour, fault: Exception) -> None:
        words = getattr(fault, "strerror", None) or type(fault).__name__
        logger.info("%s is gone: %s", neighbour.name, str(words).lower())
        self._doubt(neighbour)

    def _tell(self, neighbour: Neighbour, what: str) -> None:
        """Say once what is not taken from a neighbour."""
        key = (neighbour.service, what)
        if key not in self._told and len(self._told) < _MOST_TOLD:
            self._told.add(key)
            logger.warning("%s (%s): %s; not taken", neighbour.name, neighbour.url, what)


async def _reply(writer: asyncio.StreamWriter, status: int, body: bytes = b"") -> bool:
    """Answer, and return that the connection is good for another request."""
    body = body or b"no neighbour\n"  # nginx stores nothing that is empty, not even a "no"
    writer.write(write_head(status, len(body)) + body)
    await writer.drain()
    return True
