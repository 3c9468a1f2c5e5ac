"""Upstream names that nginx cannot look up itself: looked up here, beside its work, never before it.

nginx before 1.27.3 resolves the names in an upstream block once, when it starts, and does not start
if it cannot. Later ones ask name servers only: not /etc/hosts, not mDNS, and with no search domain.
"""

import queue
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from passthru.nginx.capabilities import Capabilities
from passthru.spec import Spec
from passthru.spec.address import is_address

KNOWN_EVERY: Final = 30.0
UNKNOWN_EVERY: Final = 2.0
"""Seconds between two looks at a name that has addresses, and at one that has none yet."""

Lookup = Callable[[str], tuple[str, ...]]


def hosts_to_look_up(spec: Spec, capabilities: Capabilities, hosts_file: str) -> tuple[str, ...]:
    """Return the hosts of `spec` that nginx must be given addresses for, in order; pure."""
    listed = {
        name for line in hosts_file.splitlines() for name in line.partition("#")[0].split()[1:]
    }

    def is_ours(host: str) -> bool:
        if is_address(host):
            return False
        if not capabilities.upstream_resolve:
            return True
        return host in listed or "." not in host or host.endswith((".local", ".localhost"))

    return tuple(dict.fromkeys(u.host for u in spec.upstreams if not u.proxy and is_ours(u.host)))


def settle(
    current: tuple[str, ...], answer: tuple[str, ...], before: tuple[str, ...]
) -> tuple[str, ...]:
    """Return the addresses to use after `answer`, the lookup `before` having said something else.

    A name whose addresses rotate must not make nginx reload at every look: as long as an address in
    use is still among the answers, a change counts only once two looks in a row agree.
    """
    if not answer or set(answer) == set(current):
        return current
    if set(answer).isdisjoint(current) or set(answer) == set(before):
        return answer
    return current


class Names:
    """Addresses of hosts, kept fresh by threads that nobody ever waits long for."""

    def __init__(self, hosts: Iterable[str], *, lookup: Lookup | None = None) -> None:
        """Know nothing yet; `lookup` may block for as long as it likes, and may raise OSError."""
        self._lookup = lookup or look_up
        self._current: dict[str, tuple[str, ...]] = dict.fromkeys(hosts, ())
        self._before: dict[str, tuple[str, ...]] = {}
        self._due = dict.fromkeys(self._current, 0.0)
        self._busy: set[str] = set()
        self._answers: queue.SimpleQueue[tuple[str, tuple[str, ...]]] = queue.SimpleQueue()

    @property
    def addresses(self) -> Mapping[str, tuple[str, ...]]:
        """Each host's addresses, sorted; empty while none is known."""
        return dict(self._current)

    def refresh(self, *, wait: float = 0.0) -> bool:
        """Start the lookups that are due, take in what has come within `wait` seconds.

        Returns whether `addresses` changed.
        """
        now = time.monotonic()
        for host, due in self._due.items():
            if due <= now and host not in self._busy:
                self._busy.add(host)
                threading.Thread(target=self._ask, args=(host,), daemon=True).start()
        deadline = now + wait
        changed = False
        while self._busy:
            try:
                left = deadline - time.monotonic()
                host, answer = self._answers.get(block=left > 0, timeout=max(left, 0.0))
            except queue.Empty:
                break
            changed |= self._take(host, answer)
        return changed

    def _ask(self, host: str) -> None:
        try:
            answer = self._lookup(host)
        except OSError:
            answer = ()
        self._answers.put((host, answer))

    def _take(self, host: str, answer: tuple[str, ...]) -> bool:
        self._busy.discard(host)
        answer = tuple(sorted(set(answer), key=lambda text: (":" in text, text)))
        settled = settle(self._current[host], answer, self._before.get(host, ()))
        self._before[host] = answer
        changed = settled != self._current[host]
        self._current[host] = settled
        self._due[host] = time.monotonic() + (KNOWN_EVERY if answer else UNKNOWN_EVERY)
        return changed


def look_up(host: str) -> tuple[str, ...]:
    """Ask the system's resolver for the addresses of `host`; raises OSError."""
    answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return tuple(str(sockaddr[0]) for *_, sockaddr in answers)
