"""Upstream names that nginx cannot look up itself: looked up here, beside its work, never before it.

nginx before 1.27.3 resolves the names in an upstream block once, when it starts, and does not start
if it cannot. Later ones ask name servers only: not /etc/hosts, not mDNS, and with no search domain; and
they find nothing while a name server fails for one of the two kinds of addresses.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from passthru.nginx.capabilities import Capabilities
from passthru.nginx.lookup import look_up, look_up_half
from passthru.spec import Spec
from passthru.spec.address import is_address

KNOWN_EVERY: Final = 30.0
UNKNOWN_EVERY: Final = 2.0
"""Seconds between two looks at a name that has addresses, and at one that has none yet."""

Lookup = Callable[[str], tuple[str, ...]]

logger: Final = logging.getLogger(__name__)


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


def other_hosts(spec: Spec, ours: Iterable[str]) -> tuple[str, ...]:
    """Return the hosts of `spec` that nginx looks up itself, when `ours` are the ones it cannot; pure."""
    direct = (u.host for u in spec.upstreams if not u.proxy and not is_address(u.host))
    return tuple(dict.fromkeys(host for host in direct if host not in ours))


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

    def __init__(
        self,
        hosts: Iterable[str],
        *,
        spare: Iterable[str] = (),
        lookup: Lookup | None = None,
        lookup_spare: Lookup | None = None,
    ) -> None:
        """Know nothing yet; a lookup may block for as long as it likes, and may raise OSError.

        `spare` are hosts that nginx looks up: from the first time that `lookup_spare` has addresses of
        one, it is ours, because nginx cannot.
        """
        self._lookup = lookup or look_up
        self._lookup_spare = lookup_spare or look_up_half
        self._spare = frozenset(spare)
        self._current: dict[str, tuple[str, ...]] = dict.fromkeys((*hosts, *self._spare), ())
        self._before: dict[str, tuple[str, ...]] = {}
        self._due = dict.fromkeys(self._current, 0.0)
        self._busy: set[str] = set()
        self._answers: queue.SimpleQueue[tuple[str, tuple[str, ...]]] = queue.SimpleQueue()

    @property
    def hosts(self) -> frozenset[str]:
        """All hosts, the spare ones too."""
        return frozenset(self._current)

    @property
    def addresses(self) -> Mapping[str, tuple[str, ...]]:
        """The addresses of each host that is ours, sorted; empty while none is known."""
        return {
            host: known for host, known in self._current.items() if known or host not in self._spare
        }

    def refresh(self, *, wait: float = 0.0) -> bool:
        """Start the lookups that are due, take in what has come within `wait` seconds.

        Spare ones are not waited for. Returns whether `addresses` changed.
        """
        now = time.monotonic()
        for host, due in self._due.items():
            if due <= now and host not in self._busy:
                self._busy.add(host)
                spare = host in self._spare and not self._current[host]
                lookup = self._lookup_spare if spare else self._lookup
                threading.Thread(target=self._ask, args=(host, lookup), daemon=True).start()
        deadline = now + wait
        changed = False
        while self._busy:
            try:
                left = deadline - time.monotonic() if self._busy - self._spare else 0.0
                host, answer = self._answers.get(block=left > 0, timeout=max(left, 0.0))
            except queue.Empty:
                break
            changed |= self._take(host, answer)
        return changed

    def _ask(self, host: str, lookup: Lookup) -> None:
        try:
            answer = lookup(host)
        except OSError:
            answer = ()
        self._answers.put((host, answer))

    def _take(self, host: str, answer: tuple[str, ...]) -> bool:
        self._busy.discard(host)
        answer = tuple(sorted(set(answer), key=lambda text: (":" in text, text)))
        settled = settle(self._current[host], answer, self._before.get(host, ()))
        self._before[host] = answer
        changed = settled != self._current[host]
        if host in self._spare and answer and not self._current[host]:
            logger.warning(
                "%s: a name server fails for one kind of its addresses; looked up beside nginx from now on",
                host,
            )
        self._current[host] = settled
        often = not answer and host not in self._spare
        self._due[host] = time.monotonic() + (UNKNOWN_EVERY if often else KNOWN_EVERY)
        return changed
