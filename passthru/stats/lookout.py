"""What the exporter looks up for itself: nginx, the disk, the cache's directories, what others wrote."""

import asyncio
import os
import threading
import time
from pathlib import Path
from typing import Final

from passthru.errors import NotRunningError
from passthru.inquiry.ask_async import ask_async
from passthru.stats.facts import Facts
from passthru.stats.filling import FillView, FillWatch
from passthru.stats.last_apply import read_last_apply
from passthru.stats.neighbours import read_neighbours
from passthru.stats.probe import Probes
from passthru.stats.stub_status import PATH, NginxView, parse_figures
from passthru.stats.view import World
from passthru.stats.zone_scan import ZoneScan, scan_zone

SCAN_SECONDS: Final = 600.0
"""Between two walks of a zone, at least."""

SCAN_REST: Final = 20
"""How many times longer than a walk the rest after it is, at least."""

FILLS_SECONDS: Final = 2.0
"""For which downloads in flight are not looked up again."""

_NGINX_SECONDS: Final = 1.0


class Lookout:
    """Looks around for one instance."""

    def __init__(self, facts: Facts) -> None:
        """Begin without having seen anything."""
        self.facts = facts
        self.probes = Probes()
        self._scans: dict[str, ZoneScan] = {}
        self._stopped = threading.Event()
        self._watches: dict[str, FillWatch] = {}
        self._fills: tuple[FillView, ...] = ()
        self._fills_at = 0.0

    def stop(self) -> None:
        """End a walk that is under way."""
        self._stopped.set()

    async def world(self) -> World:
        """Return what can be seen now."""
        facts = self.facts
        nginx = await _look_at_nginx(facts.sockets.nginx)
        fills = await asyncio.to_thread(self._look_at_fills)
        return World(
            nginx=nginx,
            serving_since=_written_at(facts.pid_file) if nginx.is_up else None,
            available_bytes=_available(facts.cache_directory),
            scans={
                zone.name: self._scans[zone.directory]
                for zone in facts.zones
                if zone.directory in self._scans
            },
            fills=fills,
            last_apply=read_last_apply(Path(facts.last_apply)),
            neighbours=read_neighbours(Path(facts.neighbours)),
            probes=dict(self.probes.last),
            probes_succeeded=dict(self.probes.succeeded),
            probes_failed=dict(self.probes.failed),
        )

    def scan(self) -> float:
        """Walk all zones, and return the seconds to rest before the next time; blocks for long."""
        began = time.monotonic()
        zones = self.facts.zones
        for zone in zones:
            found = scan_zone(zone.directory, pause=lambda seconds: not self._stopped.wait(seconds))
            if found is not None:
                self._scans[zone.directory] = found
        for gone in self._scans.keys() - {zone.directory for zone in zones}:
            del self._scans[gone]
        return max(SCAN_SECONDS, SCAN_REST * (time.monotonic() - began))

    def _look_at_fills(self) -> tuple[FillView, ...]:
        now = time.time()
        if now - self._fills_at < FILLS_SECONDS:
            return self._fills
        self._fills_at = now
        # Metadata is a kilobyte: it is never in flight for long enough to be seen.
        places = [zone.directory for zone in self.facts.zones if zone.name == "nar"]
        self._watches = {place: self._watches.get(place, FillWatch(place)) for place in places}
        self._fills = tuple(fill for watch in self._watches.values() for fill in watch.look(now))
        return self._fills


async def _look_at_nginx(socket: str) -> NginxView:
    try:
        answer = await ask_async(socket, PATH, seconds=_NGINX_SECONDS)
    except NotRunningError:
        return NginxView(is_up=False)
    return NginxView(is_up=True, figures=parse_figures(answer.body))


def _available(directory: str) -> int | None:
    try:
        facts = os.statvfs(directory)
    except OSError:
        return None
    return facts.f_bavail * facts.f_frsize


def _written_at(path: str) -> float | None:
    try:
        return Path(path).stat().st_mtime
    except OSError:
        return None
