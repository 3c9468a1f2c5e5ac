"""Hot narinfos as plain files: where nginx looks for them, and what `passthru hot` is told; pure."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

from passthru.cache.copies import shelf_path
from passthru.nginx.disk import Disk
from passthru.nginx.site import Site
from passthru.nginx.upstream_plan import UpstreamPlan
from passthru.nginx.zones import Zone

HOT: Final = "hot.json"
"""The name of the file among those of a rendering."""

JUMP: Final = 1
"""Internal redirects that a narinfo takes more: from where its copy would be to the first turn."""

UNTIDY: Final = 464
"""The code by which nginx is led to what it says of a path that is none; nobody else sees it."""

COLD: Final = 465
"""The code by which it is led to the first turn while there are no copies; nobody else sees it."""

_REDIRECTS: Final = 2
"""Redirects of a narinfo that each upstream must have jumps left for."""

_FILES_SHARE: Final = 4
"""The part of its open files that a worker may keep for copies."""


@dataclass(frozen=True, slots=True)
class HotUpstream:
    """One upstream, in the order they are asked."""

    name: str
    rewrites: tuple[tuple[str, str], ...]
    """What a line of its narinfos may begin with, whatever the case, and what that becomes."""


@dataclass(frozen=True, slots=True)
class HotPlan:
    """The names are those of the file; paths are absolute."""

    directory: str
    root: str
    """Where the copies are that this rendering looks for."""

    most: int
    log: str
    zone: str
    levels: str
    upstreams: tuple[HotUpstream, ...]

    @property
    def is_alone(self) -> bool:
        """Whether all copies are of one upstream."""
        return len(self.upstreams) == 1

    def shelf(self, index: int) -> str:
        """Return the directory of the copies of one upstream, from 1 on."""
        return shelf_path(self.root, index)


def plan_hot(
    most: int,
    *,
    site: Site,
    zone: Zone,
    upstreams: Sequence[UpstreamPlan],
    disk: Disk,
    open_files: int,
    jumps: int,
) -> HotPlan | None:
    """Return where copies are to be looked for; None if there are to be none.

    `jumps` are those that all upstreams together have for their redirects.
    """
    fits = jumps - JUMP >= _REDIRECTS * len(upstreams)
    if not (most and fits and disk.readable and disk.writable):
        return None
    told = tuple(HotUpstream(upstream.name, upstream.rewrites) for upstream in upstreams)
    shown = json.dumps([zone.directory, zone.levels, [asdict(one) for one in told]])
    digest = hashlib.sha256(shown.encode()).hexdigest()[:8]
    return HotPlan(
        directory=site.hot,
        root=f"{site.hot}/{digest}",
        most=min(most, open_files // _FILES_SHARE),
        log=site.access_log,
        zone=zone.directory,
        levels=zone.levels,
        upstreams=told,
    )


def write_hot(plan: HotPlan) -> str:
    """Return the text of the file."""
    return json.dumps(asdict(plan), indent=2) + "\n"
