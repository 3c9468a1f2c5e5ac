"""Whatever ends the exporter, the totals are what nginx served."""

import os
import random
import signal
import socket
import threading
import time
from collections import Counter
from pathlib import Path

from tests.exporter.conftest import StartExporter
from tests.exporter.running import Exporter
from tests.nginx.cache import Cache
from tests.nginx.conftest import StartCache
from tests.nginx.origin import Origin
from tests.nginx.samples import hash_of, narinfo, narinfo_path
from tests.waiting import eventually

PATHS = 40
KILLS = 8


class Clients:
    """Asks for narinfos until it is told to stop, and counts what it got."""

    def __init__(self, one: Cache) -> None:
        """Begin."""
        self.statuses: Counter[str] = Counter()
        self._one = one
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def stop(self) -> int:
        """Stop, and return how many requests it made."""
        self._stopped.set()
        self._thread.join()
        return self.statuses.total()

    def _work(self) -> None:
        while not self._stopped.is_set():
            targets = [narinfo_path(n) for n in range(PATHS)]
            for reply in self._one.get_all(targets):
                self.statuses[(reply.cache_status or "none").lower()] += 1


def counted(seen: Exporter) -> dict[str, float]:
    """Return the requests for narinfos that are not 0, by cache status."""
    return {
        dict(labels)["cache_status"]: value
        for (name, labels), value in seen.samples().items()
        if name == "passthru_requests_total" and value
    }


def test_killed_at_any_moment(cache: StartCache, origin: Origin, exporter: StartExporter) -> None:
    """SIGKILL, again and again while it reads, and a log rotated meanwhile: nothing lost, nothing twice."""
    origin.files = {narinfo_path(n): narinfo(hash_of(n)) for n in range(PATHS)}
    one = cache(origin)
    seen = exporter(one)
    clients = Clients(one)
    chance = random.Random(7)  # noqa: S311 - no secret
    for number in range(KILLS):
        time.sleep(chance.uniform(0.1, 1.5))
        seen.kill()
        if number == KILLS // 2:
            assert one.process is not None
            log = Path(one.site.logs, "access.log")
            log.replace(f"{log}.1")
            os.kill(one.process.pid, signal.SIGUSR1)
        seen.launch()
    made = clients.stop()
    assert eventually(lambda: one.get("/metrics").status == 200)
    seen.await_lines(made)

    assert counted(seen) == clients.statuses
    assert origin.requests
    assert seen.value("passthru_log_parse_errors_total") == 0


def test_totals_survive_a_stop(cache: StartCache, origin: Origin, exporter: StartExporter) -> None:
    """After SIGTERM and a log that was removed, the totals begin where they were."""
    origin.files = {narinfo_path(n): narinfo(hash_of(n)) for n in range(3)}
    one = cache(origin)
    seen = exporter(one)
    for n in range(3):
        one.get(narinfo_path(n))
    seen.await_lines(3)
    since = seen.snapshot().instance.counting_since

    began = time.monotonic()
    assert seen.stop() == 0
    assert time.monotonic() - began < 3
    assert not Path(one.site.exporter_socket).exists()
    assert one.process is not None
    Path(one.site.logs, "access.log").unlink()
    os.kill(one.process.pid, signal.SIGUSR1)
    assert eventually(Path(one.site.logs, "access.log").exists)
    one.get(narinfo_path(0))
    seen.start()
    seen.await_lines(4)

    assert counted(seen) == {"miss": 3, "hit": 1}
    assert seen.snapshot().instance.counting_since == since


def test_a_second_one_is_told(cache: StartCache, origin: Origin, exporter: StartExporter) -> None:
    """Two exporters of one instance would count everything twice: the second one ends and says why."""
    one = cache(origin)
    first = exporter(one)
    second = Exporter(one)
    second.launch()

    assert second.process is not None
    assert second.process.wait(20) == 1
    assert "error: " in second.said
    assert first.samples()


def test_a_socket_that_was_removed(
    cache: StartCache, origin: Origin, exporter: StartExporter
) -> None:
    """Where nobody can ask any more it ends, to be started again by whoever watches it."""
    one = cache(origin)
    seen = exporter(one)
    Path(one.site.exporter_socket).unlink()

    assert seen.process is not None
    assert seen.process.wait(20) == 1
    assert "was removed" in seen.said


def test_a_service_manager_is_told(cache: StartCache, origin: Origin) -> None:
    """READY also while it waits for its instance, then what it does, and signs of life."""
    one = cache(origin)
    seen = Exporter(one)
    facts = Path(one.site.live, "facts.json")
    hidden = facts.rename(facts.with_name("hidden"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"{one.home}/notify")
        manager.settimeout(20)
        seen.launch(NOTIFY_SOCKET=f"{one.home}/notify", WATCHDOG_USEC="300000")
        heard = [manager.recv(4096).decode() for _ in range(3)]
        hidden.rename(facts)
        while "reading the log" not in heard[-1]:
            heard.append(manager.recv(4096).decode())
        assert manager.recv(4096) == b"WATCHDOG=1"
    seen.close()

    assert heard[0] == f"READY=1\nSTATUS=waiting for {facts}"
    assert heard[1:3] == ["WATCHDOG=1"] * 2
    assert heard[-1] == "READY=1\nSTATUS=reading the log"


def test_without_facts_it_waits(cache: StartCache, origin: Origin) -> None:
    """Started before its instance, it waits, and a stop is a stop."""
    one = cache(origin)
    seen = Exporter(one)
    facts = Path(one.site.live, "facts.json")
    hidden = facts.rename(facts.with_name("hidden"))
    seen.launch()
    assert eventually(lambda: "waiting for" in seen.said)
    hidden.rename(facts)
    assert eventually(lambda: one.get("/metrics").status == 200)
    assert seen.stop() == 0
    seen.close()
