"""`./do up` on a Debian that has nothing yet: the promise of the README's first lines."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.checkout import copy_checkout
from tests.debian import UnavailableError, unavailable
from tests.packaging.debian_root import DebianRoot, debian_root
from tests.ports import free_port

pytestmark = [pytest.mark.install, pytest.mark.timeout(900)]

CHECKOUT: Final = "/srv/check out"
FIRST_SECONDS: Final = 400
SECOND_SECONDS: Final = 20
END_SECONDS: Final = 20
SET_UP_SECONDS: Final = 2.0


@pytest.fixture(params=["bookworm", "trixie"])
def root(request: pytest.FixtureRequest) -> Iterator[DebianRoot]:
    """Make a bare Debian with a copy of this checkout in it."""
    try:
        with debian_root(request.param) as made:
            copy_checkout(made.inside(CHECKOUT))
            yield made
    except UnavailableError as error:
        unavailable(str(error))


@contextmanager
def started(root: DebianRoot, spec: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `./do up` inside, and leave nothing of it behind."""
    log = root.inside("/var/log/up.log")
    command = root.command(f"{CHECKOUT}/do", "up", spec)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=root.environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        root.kill_all()
        process.wait(10)
        sys.stdout.write(log.read_text(encoding="utf-8", errors="replace"))


def get(port: int, path: str) -> str:
    """Return what is served, without any proxy; raises OSError."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
        body: bytes = answer.read()
        return body.decode()


def wait_healthy(process: subprocess.Popen[bytes], port: int, seconds: float) -> float:
    """Return after how many seconds /health was well."""
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        assert process.poll() is None, f"./do up ended with {process.returncode}"
        try:
            health = json.loads(get(port, "/health"))
        except OSError:
            time.sleep(0.05)
            continue
        assert (health["status"], health["cache"]) == ("ok", "passthru")
        return time.monotonic() - begun
    pytest.fail(f"no /health within {seconds} s")


def wait_one_master(root: DebianRoot) -> None:
    """See that one nginx runs inside, ours; what it has just forked bears its name for a moment."""
    deadline = time.monotonic() + 5
    while True:
        masters = [line for line in root.processes().values() if "nginx: master" in line]
        if len(masters) == 1:
            return
        assert time.monotonic() < deadline, masters
        time.sleep(0.05)


def end(root: DebianRoot, process: subprocess.Popen[bytes]) -> None:
    """Ask for the end as a service manager does, and see that nothing outlives it."""
    process.terminate()

    assert process.wait(END_SECONDS) == 0
    assert root.processes() == {}


def traces_of_a_service(root: DebianRoot) -> list[str]:
    """Return what would start Debian's own nginx at boot, or what we should have taken back."""
    patterns = ("etc/systemd/system/*.wants/nginx.service", "etc/rc?.d/S??nginx")
    found = [path for pattern in patterns for path in root.path.glob(pattern)]
    policy = root.inside("/usr/sbin/policy-rc.d")
    return [str(path) for path in (*found, *[policy][: policy.exists()])]


def set_up_seconds(root: DebianRoot) -> float:
    """Return how long it takes to find that nothing is missing."""
    begun = time.monotonic()
    command = root.command(f"{CHECKOUT}/do", "setup")
    subprocess.run(command, env=root.environment(), check=True, timeout=60)
    return time.monotonic() - begun


def test_up_on_a_bare_debian(root: DebianRoot) -> None:
    """One command installs, serves and ends cleanly; the second time it serves at once."""
    port = free_port()
    spec = Path("/etc/passthru/passthru.toml")
    root.inside(spec).parent.mkdir()
    root.inside(spec).write_text(f"[listen]\nport = {port}\n", encoding="utf-8")

    with started(root, str(spec)) as process:
        first = wait_healthy(process, port, FIRST_SECONDS)
        assert "StoreDir: /nix/store\n" in get(port, "/nix-cache-info")
        wait_one_master(root)
        assert traces_of_a_service(root) == []
        end(root, process)

    set_up = set_up_seconds(root)
    assert set_up < SET_UP_SECONDS

    with started(root, str(spec)) as process:
        second = wait_healthy(process, port, SECOND_SECONDS)
        end(root, process)

    sys.stdout.write(f"healthy after {first:.1f} s, then {second:.1f} s ({set_up:.2f} s set-up)\n")
