"""What `passthru fills` is told of a rendering: where downloads are to be found; pure."""

import json
from typing import Final

from passthru.nginx.plan import Plan

FILLS: Final = "fills.json"
"""The name of the file among those of a rendering."""


def write_fills(plan: Plan) -> str:
    """Return the text of the file."""
    record = {
        "socket": plan.site.fills,
        "pid_file": plan.site.fills_pid_file,
        "nginx": plan.site.socket,
        "directory": plan.zones.nar.directory,
        "levels": plan.zones.nar.levels,
        "patience": plan.fills_patience,
    }
    return json.dumps(record, indent=2) + "\n"
