"""What the exporter is told of an instance: a file among those of a rendering; pure.

Nothing in it is secret: whoever may see the page may see it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from passthru import __version__
from passthru.nginx.snippet import snippets

if TYPE_CHECKING:
    from passthru.nginx.plan import Plan

FACTS: Final = "facts.json"
"""The name of the file among those of a rendering."""

FORMAT: Final = 1


def write_facts(plan: Plan, *, generation: str) -> str:
    """Return the text of the file. Sizes are in bytes, paths absolute."""
    site = plan.site
    record = {
        "version": FORMAT,
        "passthru_version": __version__,
        "nginx_version": plan.capabilities.version,
        "generation": generation,
        "mode": plan.mode.value,
        "address": plan.address,
        "upstreams": [{"name": u.name, "url": u.url} for u in plan.upstreams],
        "zones": [
            {"name": name, "directory": zone.directory, "max_bytes": zone.max_size}
            for name, zone in (("metadata", plan.zones.metadata), ("nar", plan.zones.nar))
        ],
        "cache_directory": site.cache,
        "min_free": plan.min_free,
        "access_log": f"{site.logs}/access.log",
        "state_directory": site.state,
        "runtime_directory": site.runtime,
        "sockets": {"nginx": site.socket, "exporter": site.exporter_socket},
        "status": {
            "path": plan.status.path,
            "allow": list(plan.status.allow),
            "paths": plan.status.paths,
        },
        "snippets": dict(snippets(plan.address, plan.public_keys)),
    }
    return json.dumps(record, indent=2) + "\n"
