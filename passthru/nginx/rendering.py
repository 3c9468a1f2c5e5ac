"""The text that a plan becomes."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Rendering:
    """All files of one configuration; equal inputs give equal bytes."""

    generation: str
    """Eight hexadecimal digits, a hash of the text."""

    files: Mapping[str, str] = field(repr=False)
    """Relative path to text: `nginx.conf`, `http.conf`, `server.conf`, `pages/index.html`,
    `facts.json` where the exporter runs, `fills.json` and `hot.json` where the disk takes writes, `lan.json` where there is something to do
    on the LAN, and `tunnels.json` where an upstream has a proxy: it may hold passwords."""
