"""Asking the system's resolver for a name, where name servers may answer for one family only.

A server that is silent about AAAA records holds up getaddrinfo(3) for ten seconds, and makes nginx's
own resolver give up for good, as one does that fails for AAAA (ngx_resolver_process_a).
"""

import queue
import socket
import threading
from typing import Final

from passthru.nginx.survey import has_ipv6_route

PATIENCE: Final = 1.0
"""Seconds after which the families are asked for one by one."""

SILENCE: Final = 8.0
"""Seconds without an answer for one family, when there is one for the other, that are a failure."""

_FAMILIES: Final = (socket.AF_INET, socket.AF_INET6)
_NO_SUCH: Final = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})

_Answer = tuple[str, ...] | OSError


def look_up(host: str) -> tuple[str, ...]:
    """Return the addresses of `host`; raises OSError. Who is silent about one family costs PATIENCE."""
    answers: queue.SimpleQueue[_Answer] = queue.SimpleQueue()
    _start(
        host, (socket.AF_UNSPEC,), answers
    )  # first: a name in /etc/hosts is not asked for beyond it
    try:
        return _raised(answers.get(timeout=PATIENCE))
    except queue.Empty:
        _start(host, _FAMILIES, answers)
    last = answers.get()
    for _ in _FAMILIES:
        if isinstance(last, tuple):
            break
        last = answers.get()
    return _raised(last)


def look_up_half(host: str) -> tuple[str, ...]:
    """Return the addresses of `host` in one family where the other's question fails; else none.

    None, too, without an IPv6 route: then nginx asks for one family only.
    """
    if not has_ipv6_route():
        return ()
    answers: queue.SimpleQueue[_Answer] = queue.SimpleQueue()
    _start(host, _FAMILIES, answers)
    first = answers.get()
    try:
        second = answers.get(timeout=SILENCE if isinstance(first, tuple) else None)
    except queue.Empty:
        second = OSError()
    match first, second:
        case tuple(), OSError() as fault if fault.errno not in _NO_SUCH:
            return first
        case OSError() as fault, tuple() if fault.errno not in _NO_SUCH:
            return second
    return ()


def _start(
    host: str, families: tuple[socket.AddressFamily, ...], answers: queue.SimpleQueue[_Answer]
) -> None:
    """Ask in threads, for which nobody waits at the end."""
    for family in families:
        threading.Thread(target=_ask, args=(host, family, answers), daemon=True).start()


def _ask(host: str, family: socket.AddressFamily, answers: queue.SimpleQueue[_Answer]) -> None:
    try:
        found = socket.getaddrinfo(host, None, family=family, type=socket.SOCK_STREAM)
        answers.put(tuple(str(sockaddr[0]) for *_, sockaddr in found))
    except OSError as fault:
        answers.put(fault)
    except UnicodeError:
        answers.put(OSError(socket.EAI_NONAME, "no host name"))


def _raised(answer: _Answer) -> tuple[str, ...]:
    if isinstance(answer, OSError):
        raise answer
    return answer
