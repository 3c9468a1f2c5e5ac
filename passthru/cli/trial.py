"""A passthru for a moment: on loopback, on a free port, with all it keeps in one directory."""

import json
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from passthru.errors import ListenError, PassthruError
from passthru.nginx.directories import closed_to
from passthru.nginx.plan import make_plan
from passthru.nginx.process import find_nginx, read_capabilities
from passthru.nginx.render import render
from passthru.nginx.serving import serving
from passthru.nginx.survey import look_at_machine
from passthru.spec import Spec, parse_spec

_ATTEMPTS: Final = 5


@contextmanager
def trial_directory(*, keep: bool) -> Iterator[Path]:
    """Make a directory that nginx's workers may enter; remove it, unless it is to be kept."""
    folder = Path(tempfile.mkdtemp(prefix="passthru-"))
    try:
        folder.chmod(0o755)
        yield folder
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def trial_instance(folder: Path, *, upstream: str, public_key: str) -> Iterator[str]:
    """Run a cache of the `upstream` URL inside the `with`; yield its address.

    Raises PassthruError if it cannot be started.
    """
    binary = find_nginx()
    capabilities = read_capabilities(binary)
    machine = look_at_machine()
    closed = closed_to(str(folder), machine.user) if machine.user else None
    if closed:
        raise PassthruError(
            f"nginx's workers run as user {machine.user}, who may not enter {closed}",
            hint="set TMPDIR to a directory that everybody may enter, such as /tmp",
        )
    with ExitStack() as stack:
        for attempt in range(1, _ATTEMPTS + 1):
            spec = _spec(folder, _free_port(), upstream, public_key)
            plan = make_plan(spec, capabilities, machine)
            try:
                stack.enter_context(
                    serving(render(plan), plan.site, binary=binary, user=machine.user, grace=0)
                )
                break
            except ListenError:  # somebody took the port meanwhile
                if attempt == _ATTEMPTS:
                    raise
        yield plan.address


def _spec(folder: Path, port: int, upstream: str, public_key: str) -> Spec:
    record = {
        "state_directory": str(folder / "state"),
        "runtime_directory": str(folder / "run"),
        "listen": {"addresses": ["127.0.0.1"], "port": port},
        "cache": {"directory": str(folder / "cache"), "size": "1G", "min_free": 0},
        "upstreams": [{"url": upstream, "name": "demo", "public_keys": [public_key]}],
    }
    return parse_spec(json.dumps(record))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
