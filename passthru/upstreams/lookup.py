"""Looking names up beside the event loop, in threads that nobody waits for at the end."""

import asyncio
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address

Lookup = Callable[[str], tuple[str, ...]]


class Resolver:
    """Asks for addresses; one thread a host at most, so that a silent name server piles up none."""

    def __init__(self, lookup: Lookup | None = None) -> None:
        """Ask the system, or `lookup`, which may block and may raise OSError."""
        self._lookup = lookup or _ask
        self._running: dict[str, asyncio.Future[tuple[str, ...]]] = {}

    async def addresses(self, host: str) -> tuple[str, ...]:
        """Return the addresses of `host`, best first, or itself if it is one; raises OSError."""
        if is_address(host):
            return (host,)
        if host not in self._running:
            self._running[host] = self._start(host)
            self._running[host].add_done_callback(lambda _: self._running.pop(host, None))
        return await asyncio.shield(self._running[host])

    def _start(self, host: str) -> asyncio.Future[tuple[str, ...]]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[tuple[str, ...]] = loop.create_future()

        def settle(answer: tuple[str, ...] | OSError) -> None:
            if future.done():
                return
            if isinstance(answer, OSError):
                future.set_exception(answer)
                future.exception()  # who asked may be gone, and asyncio would complain
            else:
                future.set_result(answer)

        def work() -> None:
            try:
                answer: tuple[str, ...] | OSError = self._lookup(host)
            except UnicodeError:
                answer = OSError("the name cannot be looked up")
            except OSError as fault:
                answer = fault
            with suppress(RuntimeError):  # the loop is closed: nobody is interested any more
                loop.call_soon_threadsafe(settle, answer)

        # Not in an executor: the interpreter waits for its threads before it ends.
        threading.Thread(target=work, daemon=True).start()
        return future


def is_address(host: str) -> bool:
    """Say whether it is an address, and no name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _ask(host: str) -> tuple[str, ...]:
    answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in answers))
