"""Caches and their listeners on one LAN, in namespaces of their own."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.lan.conftest import Ears, StandIn, stand_in, stand_in_words
from tests.lan.site import PYTHON, Lan, Program, eventually


@contextmanager
def announcing(lan: Lan, on: str, name: str, **changes: object) -> Iterator[StandIn]:
    """Run a stand-in for the time of a test."""
    made = stand_in(lan[on], name, **changes)  # type: ignore[arg-type]
    try:
        yield made
    finally:
        made.stop()
        assert "Traceback" not in made.sidecar.said, made.sidecar.said


def spec_of(folder: Path, **more: object) -> str:
    """Write the spec of a whole cache on a host; its upstream is nowhere."""
    folder.mkdir()
    spec = {
        "mode": "lan",
        "listen": {"port": 8090},
        "state_directory": f"{folder}/state",
        "runtime_directory": f"{folder}/run",
        "cache": {"directory": f"{folder}/cache", "size": "64M", "min_free": "1M"},
        "upstreams": [{"url": "http://127.0.0.1:1"}],
        **more,
    }
    file = folder / "passthru.json"
    file.write_text(json.dumps(spec))
    return str(file)


def resident_kib(program: Program) -> int:
    """Return the memory of a program."""
    status = Path(f"/proc/{program.process.pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) if found else 0


def test_a_whole_cache_is_found(lan: Lan, ears: Ears) -> None:
    """`up` in LAN mode announces what others need, leaves with a goodbye, and knows itself."""
    alpha = lan["alpha"]
    key = "a-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY="
    upstreams = [{"url": "http://127.0.0.1:1", "public_keys": [key]}]
    mdns = {"name": "Whole", "also": ["_nix-serve._tcp", "_nix_binary_cache._tcp"]}
    spec = spec_of(alpha.folder / "whole", upstreams=upstreams, mdns=mdns, host_name="whole.local")
    up = alpha.passthru("up", spec)

    found = ears.wait_for(name="Whole", healthy=True, seconds=20)

    assert found["url"] == f"http://{alpha.address}:8090"
    assert (found["priority"], found["storeDir"]) == (30, "/nix/store")
    assert (found["keys"], found["ourselves"]) == ([key], False)
    assert [one["name"] for one in ears.caches] == ["Whole"]  # once, whatever its types
    neighbours = alpha.folder / "whole/run/neighbours.json"
    eventually(lambda: json.loads(neighbours.read_text() or "[]"))
    assert [one["ourselves"] for one in json.loads(neighbours.read_text())] == [True]
    assert up.stop() == 0
    ears.wait_without(name="Whole", seconds=3)
    assert not neighbours.exists()


def test_a_cache_that_does_not_answer_is_not_announced(lan: Lan, ears: Ears) -> None:
    """It is withdrawn while /health is silent, and back when it speaks."""
    with announcing(lan, "alpha", "Honest") as cache:
        ears.wait_for(name="Honest", healthy=True)
        cache.cache.process.send_signal(signal.SIGKILL)
        cache.cache.process.wait()
        ears.wait_without(name="Honest", seconds=6)
        cache.cache = lan["alpha"].start(
            *PYTHON, "-m", "tests.lan.stand_in", *stand_in_words(cache.folder, 8080)
        )
        ears.wait_for(name="Honest", healthy=True)


def test_addresses_are_followed(lan: Lan, ears: Ears) -> None:
    """An address that goes is withdrawn, one that comes is told, and IPv6 alone is enough."""
    alpha = lan["alpha"]
    with announcing(lan, "alpha", "Mover"):
        ears.wait_for(name="Mover", url=f"http://{alpha.address}:8080", healthy=True)
        try:
            alpha.ip("addr", "del", f"{alpha.address}/24", "dev", "lan0")
            ears.wait_for(name="Mover", url=f"http://[{alpha.address_6}]:8080", healthy=True)
            alpha.ip("addr", "add", "10.213.7.77/24", "dev", "lan0")
            ears.wait_for(name="Mover", url="http://10.213.7.77:8080", healthy=True)
        finally:
            alpha.ip("-4", "addr", "flush", "dev", "lan0")
            alpha.ip("addr", "add", f"{alpha.address}/24", "dev", "lan0")


def test_a_link_may_go_and_come(lan: Lan, ears: Ears) -> None:
    """A cable that was out is no reason to restart anything."""
    alpha = lan["alpha"]
    with announcing(lan, "alpha", "Loose") as cache:
        ears.wait_for(name="Loose", healthy=True)
        alpha.ip("link", "set", "lan0", "down")
        eventually(lambda: cache.neighbours == [])
        alpha.ip("link", "set", "lan0", "up")
        # IPv6 addresses went with the link.
        alpha.ip("addr", "replace", f"{alpha.address_6}/64", "dev", "lan0", "nodad")
        eventually(lambda: cache.sidecar.said.count("announced as") == 2, seconds=12)
        ears.wait_for(name="Loose", healthy=True)


def test_only_the_interfaces_of_the_spec_are_spoken_on(lan: Lan, ears: Ears) -> None:
    """Nothing is announced on another one, and its address is told nowhere."""
    alpha, beta = lan["alpha"], lan["beta"]
    alpha.ip(*("link", "add", "other0", "type", "veth", "peer", "other0", "netns", beta.namespace))
    try:
        for host, address in ((alpha, "10.99.0.1"), (beta, "10.99.0.2")):
            host.ip("addr", "add", f"{address}/24", "dev", "other0")
            host.ip("link", "set", "other0", "up")
        with announcing(lan, "alpha", "Shy", port=8081, interfaces=["lan0"]):
            ears.wait_for(name="Shy", healthy=True)
            with announcing(lan, "alpha", "Bold", port=8082, interfaces=["other0"]) as bold:
                ears.wait_for(name="Bold", healthy=True)
                both = {f"http://{alpha.address}:8081", "http://10.99.0.1:8082"}
                eventually(lambda: {one["url"] for one in ears.caches} == both)
                said = bold.sidecar.said
                assert "on other0" in said
                assert "on lan0" not in said
    finally:
        alpha.ip("link", "del", "other0")


def test_a_name_in_use_is_left_to_its_holder(lan: Lan, ears: Ears) -> None:
    """The second of a name takes another one, and so does one of two that meet later."""
    with announcing(lan, "alpha", "Twin") as first:
        ears.wait_for(name="Twin", healthy=True)
        lan.unplug(lan["gamma"])
        with announcing(lan, "gamma", "Twin", port=8083) as second:
            try:
                eventually(lambda: 'announced as "Twin" ' in second.sidecar.said)
            finally:
                lan.plug(lan["gamma"])
            with announcing(lan, "gamma", "Twin", port=8084, host="third"):
                both = {
                    f"http://{lan['alpha'].address}:8080",
                    f"http://{lan['gamma'].address}:8083",
                }
                try:
                    eventually(lambda: both < {one["url"] for one in ears.caches}, seconds=45)
                    names = eventually(lambda: _three(ears), seconds=45)
                finally:  # shown if it fails
                    sys.stdout.write(f"{ears.caches}\n{first.sidecar.said}\n{second.sidecar.said}")
                assert len(set(names)) == 3, names
                assert all(name.startswith("Twin") for name in names)
        assert "Traceback" not in first.sidecar.said


def _three(ears: Ears) -> list[str]:
    """Return the names of three caches, once they differ."""
    names = [one["name"] for one in ears.caches]
    return names if len(set(names)) == 3 else []


def test_a_killed_announcer_is_forgotten(lan: Lan, ears: Ears) -> None:
    """What cannot say goodbye is believed for its time to live, and no longer."""
    with announcing(lan, "gamma", "Mortal", port=8085, ttl=3) as cache:
        ears.wait_for(name="Mortal", healthy=True)
        cache.sidecar.process.send_signal(signal.SIGKILL)
        cache.sidecar.process.wait()
        ears.wait_without(name="Mortal", seconds=15)


def test_strangers_cannot_flood_or_break_it(lan: Lan, ears: Ears) -> None:
    """A thousand hostile caches and hundreds of broken packets hide none, and print nothing odd."""
    gamma = lan["gamma"]
    with announcing(lan, "alpha", "Firm") as cache:
        ears.wait_for(name="Firm", healthy=True)
        before = resident_kib(cache.sidecar)
        for what in ("flood", "garbage"):
            gamma.run(*PYTHON, "-m", "tests.lan.hostile", what, gamma.address)
        eventually(lambda: len(ears.caches) > 10)

        late = lan["beta"].discover(seconds=2)
        text = (cache.folder / "run/neighbours.json").read_text()

        assert ears.find(name="Firm", healthy=True)
        assert [one["url"] for one in late if one["name"] == "Firm"]
        assert len(late) <= 64
        assert len(ears.caches) <= 64
        assert not [one for one in late if "203.0.113." in one["url"]]
        assert not set(re.findall(r"\\u....", text)) - {"\\ufffd"}
        assert resident_kib(cache.sidecar) < before + 40_000
        assert cache.sidecar.process.poll() is None


def test_names_are_printed_without_escapes(lan: Lan) -> None:
    """The list for people holds no control character either, and its columns stay."""
    gamma, beta = lan["gamma"], lan["beta"]
    listing = beta.passthru("discover", "--wait", "4")
    for _ in range(3):
        gamma.run(*PYTHON, "-m", "tests.lan.hostile", "flood", gamma.address)
    listing.process.wait(20)
    shown = listing.said

    assert "2J" in shown
    assert not [letter for letter in shown if not letter.isprintable() and letter != "\n"]


def test_a_lossy_net_is_enough(lan: Lan, ears: Ears) -> None:
    """With every fifth packet lost and 50 ms of delay, a cache is found."""
    alpha = lan["alpha"]
    netem = ["tc", "-n", alpha.namespace, "qdisc", "add", "dev", "lan0", "root", "netem"]
    made = subprocess.run(
        [*netem, "loss", "20%", "delay", "50ms"], check=False, capture_output=True
    )
    if made.returncode:
        pytest.skip(f"no netem here: {made.stderr.decode().strip()}")
    try:
        with announcing(lan, "alpha", "Patient"):
            ears.wait_for(name="Patient", healthy=True, seconds=20)
    finally:
        subprocess.run([*netem[:4], "del", "dev", "lan0", "root"], check=False)


def test_the_port_may_be_taken(lan: Lan, ears: Ears) -> None:
    """One who shares port 5353 with nobody costs the announcement, one line, and nothing else."""
    hog = "import socket,time;s=socket.socket(2,2);s.bind(('',5353));time.sleep(60)"
    alpha = lan["alpha"]  # not where the flood came from, of which much is still told
    taken = alpha.start(*PYTHON, "-c", hog)
    eventually(lambda: "5353" in alpha.run("ss", "-Huln"))
    with announcing(lan, "alpha", "Denied", port=8086) as cache:
        said = eventually(lambda: re.findall(r".*no mDNS on lan0.*", cache.sidecar.said))
        taken.stop()
        ears.wait_for(name="Denied", healthy=True, seconds=45)
        assert len(said) == 1
        assert "mDNS works on lan0 again" in cache.sidecar.said


@pytest.mark.skipif(not shutil.which("avahi-daemon"), reason="avahi is not installed")
@pytest.mark.skipif(not shutil.which("avahi-browse"), reason="avahi-utils are not installed")
@pytest.mark.skipif(not shutil.which("dbus-daemon"), reason="dbus is not installed")
class TestAvahi:
    """The responder that most Linux machines have."""

    def test_avahi_finds_ours(self, lan: Lan, ears: Ears) -> None:
        """Its tools list the service, and resolve the host, where no avahi runs beside us."""
        with announcing(lan, "alpha", "For avahi", host="hosted"), avahi(lan, "gamma") as theirs:
            ears.wait_for(name="For avahi", healthy=True, seconds=30)
            rows = eventually(lambda: theirs.browse("For avahi"))
            address = eventually(lambda: theirs.resolve("hosted.local"))

        assert {row[7] for row in rows if row[2] == "IPv4"} == {lan["alpha"].address}
        assert all('"nix-cache=1"' in row[9] and '"path=/"' in row[9] for row in rows)
        assert address == lan["alpha"].address

    def test_ours_finds_avahi(self, lan: Lan, ears: Ears) -> None:
        """A cache that avahi announces from a file, as older modules do, is listed."""
        service = (
            "<service-group><name>By avahi</name><service><type>_http._tcp</type><port>7999</port>"
        )
        service += "<txt-record>nix-cache=1</txt-record><txt-record>priority=20</txt-record>"
        with avahi(lan, "gamma", f"{service}</service></service-group>"):
            found = ears.wait_for(name="By avahi")

        assert found["url"] == f"http://{lan['gamma'].address}:7999"
        assert found["priority"] == 20

    def test_both_on_one_machine(self, lan: Lan, ears: Ears) -> None:
        """They share the port and the host's name, and neither renames itself."""
        with (
            avahi(lan, "gamma") as theirs,
            announcing(lan, "gamma", "Beside avahi", port=8087) as ours,
        ):
            found = ears.wait_for(name="Beside avahi", healthy=True)
            eventually(lambda: theirs.browse("Beside avahi"))
            assert found["url"] == f"http://{lan['gamma'].address}:8087"
            assert "(gamma.local)" in ours.sidecar.said
            assert theirs.resolve("gamma.local") == lan["gamma"].address
            assert "conflict" not in theirs.daemon.said.lower()
            assert "gamma-2" not in theirs.daemon.said


class Avahi:
    """avahi-daemon on a host, with a /run and a D-Bus of its own."""

    def __init__(self, lan: Lan, host: str, service: str) -> None:
        """Start it, with one service file if `service` is not empty."""
        self.host = lan[host]
        place = self.host.folder / f"avahi-{len(self.host.programs)}"
        (place / "services").mkdir(parents=True)
        if service:
            (place / "services/one.service").write_text(
                "<?xml version='1.0' standalone='no'?>"
                f'<!DOCTYPE service-group SYSTEM "avahi-service.dtd">{service}'
            )
        (place / "conf").write_text(f"[server]\nhost-name={host}\nuse-ipv6=yes\n")
        (place / "start").write_text(
            "mount -t tmpfs none /run && mkdir -p /run/dbus /run/avahi-daemon &&"
            f" mount --bind {place}/services /etc/avahi/services &&"
            " dbus-daemon --system --nofork --nopidfile & sleep 0.4;"
            f" exec avahi-daemon -f {place}/conf --no-chroot --no-drop-root --no-rlimits"
        )
        self.daemon = self.host.start("unshare", "-m", "sh", str(place / "start"))
        eventually(lambda: "Server startup complete" in self.daemon.said)

    def browse(self, name: str) -> list[list[str]]:
        """Return the resolved rows of avahi-browse for one service."""
        lines = self._run("avahi-browse", "-rtp", "_http._tcp").splitlines()
        rows = [line.split(";") for line in lines if line.startswith("=")]
        return [row for row in rows if row[3].replace("\\032", " ") == name]

    def resolve(self, name: str) -> str:
        """Return the IPv4 address of a host; empty if it has none."""
        return self._run("avahi-resolve", "-4", "-n", name).partition("\t")[2].strip()

    def _run(self, *words: str) -> str:
        done = subprocess.run(
            ["nsenter", "-t", str(self.daemon.process.pid), "-m", "-n", *words],
            check=False,
            capture_output=True,
            text=True,
            timeout=20,
        )
        return done.stdout


@contextmanager
def avahi(lan: Lan, host: str, service: str = "") -> Iterator[Avahi]:
    """Run avahi for the time of a test."""
    made = Avahi(lan, host, service)
    try:
        yield made
    finally:
        os.killpg(made.daemon.process.pid, signal.SIGTERM)
        made.daemon.process.wait(10)
