"""A whole `passthru up` in front of an origin, for the faults that the control plane answers."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.nginx.cache import upstream
from tests.nginx.origin import Origin
from tests.nix.running import Passthru
from tests.ports import free_port


def up_on(origin: Origin, folder: Path, **cache: object) -> Callable[[], Passthru]:
    """Return what starts it with everything below `folder`; keywords are keys of `[cache]`."""
    port = free_port()
    spec: dict[str, object] = {
        "state_directory": str(folder / "state"),
        "runtime_directory": str(folder / "run"),
        "listen": {"addresses": ["127.0.0.1"], "port": port},
        "cache": {"directory": str(folder / "cache"), "size": "1G", "min_free": "1M", **cache},
        "upstreams": [upstream(origin, "a")],
    }
    return partial(Passthru, spec, address=f"http://127.0.0.1:{port}", folder=folder)
