"""Who is beside a container: the upstream it fetches from, and clients with a real Nix."""

import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from passthru.nix.store_path import HASH_LENGTH
from tests.nix.clients import TOOLS, Client, Nix
from tests.nix.upstream import Upstream
from tests.packaging.container import BESIDE, INSIDE, Container, Network
from tests.waiting import eventually

UPSTREAM_PORT: Final = 8000
UPSTREAM_URL: Final = f"http://{BESIDE}:{UPSTREAM_PORT}"
CACHE_URL: Final = f"http://{INSIDE}"


@dataclass(frozen=True, slots=True)
class Serving:
    """An upstream that serves; `log` has a line for each request."""

    log: Path
    process: subprocess.Popen[bytes]

    @property
    def asked(self) -> int:
        """How many requests have come for files of the cache."""
        return len(re.findall(r'"(GET|HEAD) /', self.log.read_text(encoding="utf-8")))

    def stop(self) -> None:
        """Serve no more."""
        self.process.kill()
        self.process.wait(10)


@contextmanager
def upstream_beside(network: Network, upstream: Upstream, folder: Path) -> Iterator[Serving]:
    """Serve `upstream` in the namespace beside."""
    log = folder / "upstream.log"
    options = ("--bind", BESIDE, "--directory", str(upstream.folder))
    with log.open("wb") as output:
        process = subprocess.Popen(
            network.command(sys.executable, "-m", "http.server", *options, str(UPSTREAM_PORT)),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    serving = Serving(log, process)
    try:
        yield serving
    finally:
        serving.stop()


def client_beside(network: Network, nix: Nix, folder: Path) -> Client:
    """Return a machine in the namespace beside that knows nothing yet."""
    folder.mkdir()
    programs = folder / "programs"
    programs.mkdir()
    for tool in TOOLS:
        command = shlex.join(network.command(str(nix.programs / tool)))
        (programs / tool).write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
        (programs / tool).chmod(0o755)
    return Client(nix=replace(nix, programs=programs), folder=folder)


def fetch(network: Network, target: str) -> str:
    """Return the body that the cache answers with, or the empty string when it does not."""
    done = subprocess.run(
        network.command("curl", "--silent", "--fail", "--max-time", "5", f"{CACHE_URL}{target}"),
        capture_output=True,
        timeout=20,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    return done.stdout if done.returncode == 0 else ""


def becomes_hot(box: Container, store_path: str) -> bool:
    """Ask for a narinfo again and again, and say whether what is served becomes a plain file."""
    target = f"/{Path(store_path).name[:HASH_LENGTH]}.narinfo"
    asking = ("curl", "--silent", "--fail", "--max-time", "5", *[f"{CACHE_URL}{target}"] * 300)
    subprocess.run(box.network.command(*asking), capture_output=True, timeout=20, check=True)
    served = fetch(box.network, target)
    copy = f"cat /run/passthru/hot/*/*{target}"
    return eventually(lambda: box.run("sh", "-c", copy).out == served)


def wait_answering(network: Network, *, seconds: float) -> None:
    """Return when /health is well again."""
    deadline = time.monotonic() + seconds
    while '"status":"ok"' not in fetch(network, "/health"):
        assert time.monotonic() < deadline, f"no /health within {seconds} s"
        time.sleep(0.1)
