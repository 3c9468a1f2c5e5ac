"""Views of an instance that never was, for what is made of them."""

from dataclasses import replace
from typing import Any, Final

from passthru.stats.batch import Sums
from passthru.stats.facts import Facts
from passthru.stats.history import Span, empty_steps
from passthru.stats.stub_status import NginxFigures, NginxView
from passthru.stats.totals import Totals
from passthru.stats.view import Counted, LogView, Rate, View, World

NOW: Final = 1_795_207_164.5
GIB: Final = 1 << 30

FACTS: Final = Facts.model_validate(
    {
        "passthru_version": "0.1.0",
        "nginx_version": "1.22.1",
        "generation": "3f9c2a1b",
        "mode": "local",
        "address": "http://cache.test:8080",
        "upstreams": [
            {"name": "nixos", "url": "https://cache.nixos.org"},
            {"name": "lab", "url": "http://lab.test"},
        ],
        "zones": [
            {"name": "metadata", "directory": "/c/metadata-1", "max_bytes": GIB},
            {"name": "nar", "directory": "/c/nar-1", "max_bytes": 99 * GIB},
        ],
        "cache_directory": "/c",
        "min_free": 5 * GIB,
        "access_log": "/s/logs/access.log",
        "state_directory": "/s",
        "runtime_directory": "/r",
        "sockets": {"nginx": "/r/nginx.sock", "exporter": "/r/exporter.sock"},
        "status": {"path": "/status", "allow": ["::1"], "paths": False},
        "snippets": {"nix-conf": "extra-substituters = http://cache.test:8080\n"},
    }
)

WORLD: Final = World(
    nginx=NginxView(is_up=True, figures=NginxFigures(3, 0, 1, 2, 17)),
    serving_since=NOW - 100,
    available_bytes=100 * GIB,
)


def counted(**more: Any) -> Counted:  # noqa: ANN401 - fields of Counted
    """Return what was counted: nothing, but for `more`."""
    nothing = Counted(
        since=NOW - 86400,
        totals=Totals(),
        asked={},
        asked_lately={},
        asked_at={},
        last_errors={},
        answers=(),
        hour=Sums(),
        today=Sums(),
        day=Sums(),
        total=Sums(),
        points={span: empty_steps(span, NOW) for span in Span},
        rate=Rate(),
    )
    return replace(nothing, **more)


def view(
    *,
    facts: Facts = FACTS,
    world: World = WORLD,
    log: LogView | None = None,
    **more: Any,  # noqa: ANN401 - fields of Counted
) -> View:
    """Return a view of an instance that is well, but for what is given."""
    return View(NOW, facts, world, counted(**more), log or LogView())
