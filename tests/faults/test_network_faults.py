"""A whole `passthru up` on machines of their own: one family of addresses, and bad name servers."""

import json
import os
import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.faults.machine import ROWS
from tests.faults.other_side import PATHS
from tests.lan.site import PYTHON, Host, Lan, Program, eventually, may_have_namespaces
from tests.nginx.client import Reply, fetch
from tests.nginx.nginxes import NginxBinary, require_nginx

PORT = 8099
NUMBERS = count()

LONGEST = 1.5
"""Seconds: half of connect_timeout, and a little."""

AGREE = 10
"""Answers in a row: nginx's old workers accept a little longer."""


@pytest.fixture(scope="module")
def lan() -> Iterator[Lan]:
    """Return a LAN of the upstream with its name server, and of the cache."""
    if os.geteuid() != 0 or shutil.which("ip") is None or not may_have_namespaces():
        pytest.skip("network namespaces need root and iproute2")
    with Lan("there", "here", network="10.213.9", network_6="fd00:213:9") as made:
        there = made["there"]
        say(there)
        there.start(*PYTHON, "-m", "tests.faults.other_side", str(there.folder), str(PORT))
        eventually((there.folder / "ready").exists)
        yield made


class Machine:
    """The cache's, with a network to be chosen and a `passthru up` on it."""

    def __init__(self, lan: Lan, nginx: NginxBinary, folder: Path) -> None:
        self.there, self.here = lan["there"], lan["here"]
        self.folder = folder
        self._nginx = nginx
        self._paths = iter(PATHS)
        self._program: Program | None = None

    def start(self, server: str) -> None:
        """Start it, with the name server of this address."""
        folder = self.folder
        (folder / "resolv.conf").write_text(f"nameserver {server}\n")
        (folder / "nsswitch.conf").write_text("hosts: files dns\n")
        spec = {
            "state_directory": f"{folder}/state",
            "runtime_directory": f"{folder}/run",
            "cache": {"directory": f"{folder}/cache", "size": "100M", "min_free": "1M"},
            "upstreams": [{"url": f"http://up.test:{PORT}", "name": "a", "connect_timeout": "2s"}],
        }
        (folder / "spec.json").write_text(json.dumps(spec))
        mounts = "".join(
            f"mount --bind {folder}/{name} /etc/{name} && "
            for name in ("resolv.conf", "nsswitch.conf")
        )
        self._program = self.here.start(
            *("env", f"PASSTHRU_NGINX={self._nginx.path}"),
            *("unshare", "-m", "sh", "-c", f'{mounts}exec "$@"', "sh"),
            *(*PYTHON, "-m", "passthru", "up", "--no-sidecars", f"{folder}/spec.json"),
        )
        eventually(self._is_well, seconds=20)

    def stop(self) -> None:
        """End it."""
        if self._program is not None:
            self._program.stop()

    def get(self) -> Reply:
        """Ask for what is not stored."""
        return fetch(f"{self.folder}/run/nginx.sock", next(self._paths))

    def get_well(self, seconds: float) -> None:
        """Ask until it comes, which is within `seconds`; nothing hangs meanwhile."""
        replies: list[Reply] = []

        def is_well() -> bool:
            replies.append(self.get())
            return [reply.status for reply in replies[-AGREE:]] == [200] * AGREE

        eventually(is_well, seconds=seconds)
        assert max(reply.seconds for reply in replies) < LONGEST
        assert {reply.status for reply in replies} <= {200, 502, 504}

    def _is_well(self) -> bool:
        try:
            return fetch(f"{self.folder}/run/nginx.sock", "/health").status == 200
        except OSError:
            return False


@pytest.fixture(params=["installed", "sid"])
def machine(request: pytest.FixtureRequest, lan: Lan, folder: Path) -> Iterator[Machine]:
    """For an nginx that cannot look names up again, and for one that does: return the cache's machine, with both families and routes for both."""
    here, there = lan["here"], lan["there"]
    say(there)
    one = Machine(lan, require_nginx(request.param), folder)
    undo = [
        ("addr", "replace", f"{here.address}/24", "dev", "lan0"),
        ("addr", "replace", f"{here.address_6}/64", "dev", "lan0", "nodad"),
        ("route", "replace", "default", "via", there.address),
        ("-6", "route", "replace", "default", "via", there.address_6),
    ]
    for words in undo:
        here.ip(*words)
    yield one
    one.stop()
    for words in undo:
        here.ip(*words)


def say(there: Host, **answers: object) -> None:
    """Let the name server answer so; with both addresses if nothing is said."""
    told = {"A": [there.address], "AAAA": [there.address_6], **answers}
    beside = there.folder / f"{next(NUMBERS)}.new"
    beside.write_text(json.dumps(told))
    beside.replace(there.folder / "names.json")


def test_ipv6_alone(machine: Machine) -> None:
    """It starts with a name server that fails, finds the upstream when that is well, and keeps it."""
    one, fails, alone = machine, ROWS["dns_fails"], ROWS["one_family"]
    one.here.ip("addr", "del", f"{one.here.address}/24", "dev", "lan0")
    say(one.there, A="servfail", AAAA="servfail")
    one.start(one.there.address_6)
    cold = one.get()
    assert (cold.status, cold.seconds < 1) == (502, True)

    say(one.there)
    one.get_well(fails.seconds)
    say(one.there, A="servfail", AAAA="servfail")
    replies = [one.get() for _ in range(10)]

    assert {reply.status for reply in replies} == {200}
    assert max(reply.seconds for reply in replies) < alone.seconds


def test_ipv4_alone(machine: Machine) -> None:
    """Also where the name server takes seconds, and nothing waits for it."""
    one, fails, alone = machine, ROWS["dns_fails"], ROWS["one_family"]
    one.here.ip("addr", "del", f"{one.here.address_6}/64", "dev", "lan0")
    slow = {"A": 1.5, "A then": [one.there.address]}
    say(one.there, **slow, AAAA=1.5, **{"AAAA then": [one.there.address_6]})
    one.start(one.there.address)
    one.get_well(fails.seconds)
    replies = [one.get() for _ in range(10)]

    assert {reply.status for reply in replies} == {200}
    assert max(reply.seconds for reply in replies) < alone.seconds


def test_half_an_answer(machine: Machine) -> None:
    """A name server that fails for one kind of addresses does not hide those of the other."""
    say(machine.there, AAAA="servfail")
    machine.start(machine.there.address)

    machine.get_well(ROWS["dns_half"].seconds)


def test_a_route_to_nowhere(machine: Machine) -> None:
    """IPv6 looks as if it were there: it costs its share of the time, and the answers come."""
    row = ROWS["dead_family"]
    say(machine.there, AAAA=["2001:db8::1"])
    machine.here.ip("-6", "route", "replace", "default", "via", "fd00:213:9::99")
    machine.start(machine.there.address)
    machine.get_well(2 * row.seconds + 2)
    replies = [machine.get() for _ in range(20)]

    assert {reply.status for reply in replies} == {200}
    assert max(reply.seconds for reply in replies) < row.seconds
    assert len([reply for reply in replies if reply.seconds > 0.3]) <= 4
