"""A LAN of three hosts for all tests of a module, and what they say to one another."""

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.lan.site import PYTHON, Host, Lan, Program, eventually, may_have_namespaces


@pytest.fixture(scope="module")
def lan() -> Iterator[Lan]:
    """Return a LAN of the hosts alpha, beta and gamma."""
    if os.geteuid() != 0 or shutil.which("ip") is None or not may_have_namespaces():
        pytest.skip("network namespaces need root and iproute2")
    with Lan("alpha", "beta", "gamma") as made:
        yield made


@dataclass
class Ears:
    """`passthru discover --watch` on one host."""

    host: Host
    program: Program

    @property
    def caches(self) -> list[dict[str, Any]]:
        """Those that it listed last."""
        decoder, text, last = json.JSONDecoder(), self.program.said, []
        at = text.find("{")
        while at >= 0:
            try:
                record, end = decoder.raw_decode(text, at)
            except ValueError:
                break
            last = record["caches"]
            at = text.find("{", end)
        return list(last)

    def find(self, **fields: object) -> dict[str, Any] | None:
        """Return the first cache with these values."""
        for one in self.caches:
            if all(one[name] == value for name, value in fields.items()):
                return one
        return None

    def wait_for(self, *, seconds: float = 8.0, **fields: object) -> dict[str, Any]:
        """Return the first cache with these values, once there is one."""
        try:
            return eventually(lambda: self.find(**fields), seconds=seconds) or {}
        except AssertionError:
            raise AssertionError(
                f"no {fields} among {[one['name'] for one in self.caches][:9]}"
            ) from None

    def wait_without(self, *, seconds: float = 8.0, **fields: object) -> None:
        """Wait until there is none with these values."""
        eventually(lambda: self.find(**fields) is None, seconds=seconds)


@pytest.fixture(scope="module")
def ears(lan: Lan) -> Ears:
    """Return what beta hears."""
    host = lan["beta"]
    return Ears(host, host.passthru("discover", "--watch", "--json"))


@dataclass
class StandIn:
    """A cache with nothing but its health and its nix-cache-info, and the sidecar beside it."""

    host: Host
    folder: Path
    cache: Program
    sidecar: Program
    name: str
    port: int

    @property
    def neighbours(self) -> list[dict[str, Any]]:
        """What its neighbours.json says."""
        try:
            found = json.loads((self.folder / "run/neighbours.json").read_text())
        except FileNotFoundError:
            return []
        return list(found)

    def announce(self, **changes: object) -> None:
        """Let it announce something else."""
        write_assignment(self.folder, self.name, self.port, **changes)

    def behave(self, how: str) -> None:
        """Let it answer in another way from now on."""
        (self.folder / "how").write_text(how)

    def stop(self) -> None:
        """End both."""
        self.sidecar.stop()
        self.cache.stop()


def stand_in_words(folder: Path, port: int) -> tuple[str, str, str]:
    """Return the arguments of the cache itself."""
    return str(folder / "run/nginx.sock"), str(port), str(folder / "how")


def write_assignment(folder: Path, name: str, port: int, **changes: object) -> None:
    """Write the lan.json of a live rendering."""
    announce = {
        "name": name,
        "host": folder.name,
        "port": port,
        "types": ["_http._tcp.local."],
        "priority": 30,
        "version": "1",
        "store_dir": "/nix/store",
        "keys": [],
        "url": None,
    }
    whole: dict[str, Any] = {"announce": announce, "interfaces": [], "listening": ["*"]}
    for key, value in changes.items():
        (whole if key in whole else announce)[key] = value
    live = folder / "state/live"
    live.mkdir(parents=True, exist_ok=True)
    (live / "lan.new").write_text(json.dumps(whole))
    (live / "lan.new").replace(live / "lan.json")


def stand_in(on: Host, name: str, *, port: int = 8080, **changes: object) -> StandIn:
    """Start one on a host."""
    folder = on.folder / f"cache-{len(on.programs)}"
    (folder / "run").mkdir(parents=True)
    write_assignment(folder, name, port, **{"host": on.name, **changes})
    cache = on.start(*PYTHON, "-m", "tests.lan.stand_in", *stand_in_words(folder, port))
    sidecar = on.passthru("mdns", "--live", str(folder / "state"), "--runtime", str(folder / "run"))
    return StandIn(on, folder, cache, sidecar, name, port)
