"""The laptop's story, told by a real Nix: at the desk, on the train, in a tunnel, at home."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.lan.site import PYTHON, Lan, eventually
from tests.lan.test_follow import Appliance, start
from tests.nix.clients import Client
from tests.nix.conftest import new_client, nix, upstream, workspace
from tests.nix.upstream import Upstream

__all__ = ["new_client", "nix", "upstream", "workspace"]

pytestmark = pytest.mark.nix

PORT: Final = 8098
INSIDE: Final = "tests.lan.inside"


@pytest.fixture(scope="module")
def internet(lan: Lan, upstream: Upstream) -> Path:
    """Serve the real upstream from gamma; return the log of what was asked."""
    log = lan["gamma"].folder / "asked"
    folder = str(upstream.folder)
    lan["gamma"].start(*PYTHON, "-m", "tests.lan.folder", str(PORT), str(log), folder)
    eventually(lambda: f":{PORT}" in lan["gamma"].run("ss", "-Htln"))
    return log


@pytest.fixture
def laptop(lan: Lan, internet: Path, upstream: Upstream) -> Iterator[Appliance]:
    """Run a cache at the desk and a follower on the laptop, both empty."""
    assert internet.exists()
    table = {
        "url": f"http://10.213.7.3:{PORT}",
        "name": "internet",
        "public_keys": [upstream.public_key],
        "connect_timeout": "1s",
    }
    desk = start(lan["alpha"], 8090, mode="lan", mdns={"name": "Desk"}, upstreams=[table])
    made = start(lan["beta"], 8070, lan={"follow": True}, upstreams=[table])
    eventually(lambda: "Desk" in made.neighbours)
    yield made
    made.up.stop()
    desk.up.stop()


def substitute(laptop: Appliance, client: Client, path: str, key: str) -> str:
    """Let a Nix on the laptop fetch a path; return what it came to: its code, and its words."""
    (client.folder / "wanted.json").write_text(
        json.dumps({
            "suite": client.nix.suite, "version": client.nix.version,
            "programs": str(client.nix.programs), "folder": str(client.folder),
            "path": path, "cache": f"http://127.0.0.1:{laptop.port}", "key": key,
        })
    )  # fmt: skip
    return laptop.host.run(*PYTHON, "-m", INSIDE, str(client.folder / "wanted.json"), timeout=90)


def test_desk_train_tunnel_home(
    lan: Lan,
    laptop: Appliance,
    internet: Path,
    new_client: Callable[..., Client],
    upstream: Upstream,
) -> None:
    """One address in Nix's configuration all day, and no restart of anything."""
    key, generation, before = upstream.public_key, laptop.generation, len(internet.read_text())
    paths = [upstream.named(name) for name in ("large-1", "large-2", "node-0", "top")]

    def fetch(path: str) -> str:
        return substitute(laptop, new_client(), path, key)

    def downloads(path: str) -> int:
        return internet.read_text()[before:].count(upstream.nar(path))

    at_the_desk = fetch(paths[0])
    assert at_the_desk.startswith("0\n"), at_the_desk
    assert downloads(paths[0]) == 1
    assert "nar/lan" in laptop.host.run(
        "sh", "-c", f"sleep 1.2; cat {laptop.folder}/state/logs/access.log"
    )

    lan.unplug(lan["alpha"])
    try:
        on_the_train = fetch(paths[1])
        assert on_the_train.startswith("0\n"), on_the_train
        assert downloads(paths[1]) == 1

        laptop.host.ip("link", "set", "lan0", "down")
        again, other = fetch(paths[0]), fetch(paths[2])
        assert again.startswith("0\n"), again
        assert other.startswith("1\n"), other
        assert "not a miss" in other or "unable to download" in other, other
    finally:
        laptop.host.ip("link", "set", "lan0", "up")
        lan.plug(lan["alpha"])

    eventually(lambda: "Desk" in laptop.neighbours, seconds=20)
    at_home = fetch(paths[3])
    assert at_home.startswith("0\n"), at_home
    assert laptop.generation == generation
