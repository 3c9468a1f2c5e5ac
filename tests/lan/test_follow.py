"""A laptop that follows the caches of its LAN, whatever they do and wherever they go."""

import json
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from passthru.nix import parse_narinfo
from tests.lan.conftest import StandIn, stand_in
from tests.lan.site import PYTHON, Host, Lan, Program, eventually
from tests.lan.upstream import packages

PORT: Final = 8099
CACHE: Final = packages()
NARINFOS: Final = sorted(name for name in CACHE.files if name.endswith(".narinfo"))
NOWHERE: Final = f"{'0' * 32}.narinfo"


@dataclass
class Reply:
    """What a client was answered."""

    status: int
    upstream: str
    cache: str
    seconds: float
    body: bytes


@dataclass
class Appliance:
    """A running `passthru up` on a host."""

    host: Host
    folder: Path
    up: Program
    port: int

    def get(self, path: str) -> Reply:
        """Ask it, from its own host."""
        body, head = self.folder / "body", self.folder / "head"
        told = self.host.run(
            *("curl", "-s", "-m", "20", "-o", str(body), "-D", str(head)),
            *("-w", "%{http_code} %{time_total}", f"http://127.0.0.1:{self.port}/{path}"),
        )
        status, seconds = told.split()
        headers = head.read_text().lower()

        def header(name: str) -> str:
            found = re.search(rf"^{name}: (\S+)", headers, re.MULTILINE)
            return found[1] if found else ""

        return Reply(
            int(status), header("x-cache-upstream"), header("x-cache-status"), float(seconds),
            body.read_bytes() if body.exists() else b"",
        )  # fmt: skip

    @property
    def neighbours(self) -> list[str]:
        """The names of the caches that are well, ourselves left out."""
        try:
            heard = json.loads((self.folder / "run/neighbours.json").read_text())
        except (FileNotFoundError, ValueError):
            return []
        return [one["name"] for one in heard if one["healthy"] and not one["ourselves"]]

    @property
    def generation(self) -> str:
        """The generation that nginx serves."""
        return Path(self.folder / "state/live").readlink().name


def start(host: Host, port: int, **more: object) -> Appliance:
    """Start one before the upstream; the first of a name keeps its folder."""
    folder = host.folder / f"up-{len(host.programs)}"
    folder.mkdir()
    spec = {
        "listen": {"port": port},
        "state_directory": f"{folder}/state",
        "runtime_directory": f"{folder}/run",
        "cache": {"directory": f"{folder}/cache", "min_free": "1M"},
        "upstreams": [
            {
                "url": f"http://10.213.7.3:{PORT}",
                "name": "internet",
                "public_keys": [str(CACHE.public_key)],
                "connect_timeout": "1s",
            }
        ],
        **more,
    }
    (folder / "passthru.json").write_text(json.dumps(spec))
    up = host.passthru("up", str(folder / "passthru.json"))
    made = Appliance(host, folder, up, port)
    eventually(lambda: "serving http" in up.said, seconds=20)
    return made


@pytest.fixture(scope="module")
def internet(lan: Lan) -> Path:
    """Serve the packages from gamma, and return the log of what was asked."""
    log = lan["gamma"].folder / "asked"
    lan["gamma"].start(*PYTHON, "-m", "tests.lan.upstream", str(PORT), str(log), "36")
    eventually(lambda: log.exists() and f":{PORT}" in lan["gamma"].run("ss", "-Htln"))
    return log


@pytest.fixture(scope="module")
def desk(lan: Lan, internet: Path) -> Iterator[Appliance]:
    """Run the cache of the LAN, on alpha."""
    assert internet.exists()
    made = start(lan["alpha"], 8090, mode="lan", mdns={"name": "Desk"})
    yield made
    assert made.up.stop() == 0


@pytest.fixture(scope="module")
def laptop(lan: Lan, desk: Appliance) -> Iterator[Appliance]:
    """Run the follower, on beta; its spec names no cache of the LAN."""
    made = start(lan["beta"], 8070, lan={"follow": True})
    eventually(lambda: "Desk" in made.neighbours)
    assert desk.up.process.poll() is None
    yield made
    assert made.up.stop() == 0
    assert "Traceback" not in made.up.said, made.up.said


def asked(log: Path, path: str) -> int:
    """Return how often the upstream was asked for a path."""
    return log.read_text().split("\n").count(f"/{path}")


def url_of(narinfo: bytes) -> str:
    """Return the path of a narinfo's NAR."""
    return parse_narinfo(narinfo).url


@pytest.fixture(scope="module")
def neighbour(lan: Lan, laptop: Appliance) -> Iterator[StandIn]:
    """Run a cache that is not what it seems, on gamma, preferred to all others."""
    made = stand_in(lan["gamma"], "Stranger", port=8077, priority=1)
    eventually(lambda: "Stranger" in laptop.neighbours)
    yield made
    made.stop()


def comes_from_the_lan_again(laptop: Appliance, names: list[str]) -> None:
    """Ask for one after the other; the first may be lost while both ends find each other again."""
    fresh = iter(names)
    eventually(lambda: laptop.get(next(fresh)).upstream == "lan", every=1.0)


def test_the_lan_comes_first(laptop: Appliance, desk: Appliance, internet: Path) -> None:
    """Narinfo and NAR come through the cache of the LAN, with the bytes of the upstream."""
    name = NARINFOS[0]
    reply = laptop.get(name)
    nar = laptop.get(url_of(reply.body))
    again = laptop.get(name)

    original = CACHE.files[name]
    assert (reply.status, reply.upstream) == (200, "lan")
    assert re.sub(rb"URL: .*", b"", reply.body) == re.sub(rb"URL: .*", b"", original)
    assert (nar.status, nar.upstream, nar.body) == (200, "lan", CACHE.files[url_of(original)])
    assert again.cache == "hit"
    assert eventually(lambda: asked(internet, name)) == 1
    assert eventually(lambda: asked(internet, url_of(original))) == 1
    assert desk.get(name).cache == "hit"


def test_what_came_from_the_lan_can_be_explained(laptop: Appliance) -> None:
    """Narinfo and NAR are found under the neighbours' key, and the NAR is whole."""
    laptop.get(url_of(laptop.get(NARINFOS[0]).body))
    told = laptop.host.run(
        *PYTHON,
        "-m",
        "passthru",
        "explain",
        NARINFOS[0],
        str(laptop.folder / "passthru.json"),
        "--json",
    )
    account = json.loads(told)

    first = [part["entries"][0] for part in account["paths"]]
    assert [(entry["upstream"], entry["state"]) for entry in first] == [("lan", "fresh")] * 2


def test_what_nobody_can_sign_is_not_taken_from_it(laptop: Appliance) -> None:
    """A build's log could say anything, so it comes from the upstream."""
    path = next(name for name in CACHE.files if name.startswith("log/"))

    assert laptop.get(path).upstream == "internet"


def test_a_path_of_nobody_is_a_miss(laptop: Appliance) -> None:
    """404 from both is 404, with neighbours and without."""
    assert laptop.get(NOWHERE).status == 404


def test_the_lan_may_vanish_and_return(laptop: Appliance, lan: Lan) -> None:
    """The next upstream answers within a second, and nothing is reloaded or restarted."""
    before = laptop.generation
    held = laptop.get(NARINFOS[1])
    assert held.upstream == "lan"
    lan.unplug(lan["alpha"])
    try:
        first = laptop.get(NARINFOS[2])
        nar = laptop.get(url_of(held.body))
        missing = laptop.get(NOWHERE.replace("0", "1"))
        eventually(lambda: "Desk" not in laptop.neighbours)
    finally:
        lan.plug(lan["alpha"])

    assert (first.status, first.upstream) == (200, "internet")
    assert first.seconds < 1
    assert (nar.status, nar.upstream) == (200, "internet")
    assert nar.seconds < 1
    assert nar.body == CACHE.files[url_of(CACHE.files[NARINFOS[1]])]
    assert missing.status == 404
    eventually(lambda: "Desk" in laptop.neighbours, seconds=20)
    comes_from_the_lan_again(laptop, NARINFOS[22:27])
    assert laptop.generation == before
    assert laptop.up.said.count("live generation") == 0


def test_without_any_net_there_is_what_is_stored(laptop: Appliance) -> None:
    """In a tunnel: what was fetched is served, and for the rest there is an error at once."""
    stored = laptop.get(NARINFOS[1])
    laptop.host.ip("link", "set", "lan0", "down")
    try:
        again = laptop.get(NARINFOS[1])
        nar = laptop.get(url_of(stored.body))
        other = laptop.get(NARINFOS[4])
    finally:
        laptop.host.ip("link", "set", "lan0", "up")

    assert (again.status, again.cache) == (200, "hit")
    assert nar.status == 200
    assert other.status in (502, 504)
    assert other.seconds < 5
    assert b"not a miss" in other.body
    eventually(lambda: "Desk" in laptop.neighbours, seconds=20)
    comes_from_the_lan_again(laptop, NARINFOS[4:5] + NARINFOS[32:36])


def test_the_sidecar_may_die(laptop: Appliance) -> None:
    """Without it the upstream answers, a miss is a miss, and it is started again."""
    children = laptop.host.run("pgrep", "-P", str(laptop.up.process.pid), "-f", "passthru mdns")
    (pid,) = children.split()
    laptop.host.run("kill", "-9", pid)

    reply, missing = laptop.get(NARINFOS[16]), laptop.get(NOWHERE.replace("0", "z"))

    assert (reply.status, reply.upstream) == (200, "internet")
    assert missing.status == 404
    eventually(lambda: "Desk" in laptop.neighbours, seconds=20)


@pytest.mark.parametrize(
    ("how", "number"),
    [
        ("empty", 5),
        ("unsigned", 6),
        ("elsewhere", 7),
        ("redirecting", 8),
        ("failing", 9),
        ("garbled", 10),
        ("endless", 11),
        ("slow", 12),
    ],
)
def test_a_bad_neighbour_costs_nothing(
    laptop: Appliance, neighbour: StandIn, how: str, number: int, internet: Path
) -> None:
    """Preferred to all others, it keeps nobody from what others have, and a miss stays a miss."""
    neighbour.behave(how)
    eventually(lambda: "Stranger" in laptop.neighbours)
    good = laptop.get(NARINFOS[number])
    none = laptop.get(NOWHERE.replace("0", "abcdfghijk"[number % 10]))

    assert good.status == 200, laptop.up.said[-2000:]
    assert parse_narinfo(good.body).signatures
    assert none.status == 404
    assert max(good.seconds, none.seconds) < 5
    assert asked(internet, NARINFOS[number]) <= 1


def test_what_is_not_taken_is_told_once(laptop: Appliance, neighbour: StandIn) -> None:
    """An operator hears of a neighbour that gives what nobody can verify, and not at each request."""
    for how in ("unsigned", "elsewhere", "redirecting"):
        neighbour.behave(how)
        eventually(lambda: "Stranger" in laptop.neighbours)
        for name in NARINFOS[17:20]:
            laptop.get(name)
            laptop.get(NOWHERE)
    neighbour.behave("empty")
    told = re.findall(r"Stranger .*: (.*); not taken", laptop.up.said)

    assert len(told) == len(set(told))
    assert "a narinfo without a signature that is believed here" in told


def test_a_neighbours_nar_is_stored_as_its_own(laptop: Appliance, neighbour: StandIn) -> None:
    """One with a true narinfo and a wrong NAR spoils that NAR for nobody else's narinfo."""
    name = NARINFOS[15]
    neighbour.behave("lying")
    told = laptop.get(name)
    wrong = laptop.get(url_of(told.body))
    right = laptop.get(url_of(CACHE.files[name]))
    neighbour.behave("empty")

    assert wrong.body != CACHE.files[url_of(CACHE.files[name])]
    assert right.body == CACHE.files[url_of(CACHE.files[name])]


def test_followers_that_find_each_other_do_not_go_round(
    laptop: Appliance, lan: Lan, internet: Path
) -> None:
    """Each is a neighbour of the other; a request passes from one to the other, and no further."""
    other = start(
        lan["gamma"], 8071, mode="lan", lan={"follow": True}, mdns={"name": "Other"},
        nix_cache_info={"priority": 5},
    )  # fmt: skip
    both = start(
        lan["alpha"], 8072, mode="lan", lan={"follow": True}, mdns={"name": "Both"},
        nix_cache_info={"priority": 6},
    )  # fmt: skip
    try:
        eventually(lambda: {"Other", "Both"} <= set(laptop.neighbours))
        eventually(lambda: "Both" in other.neighbours and "Other" in both.neighbours)
        found, none = laptop.get(NARINFOS[20]), laptop.get(NOWHERE.replace("0", "y"))

        assert (found.status, found.upstream) == (200, "lan")
        assert none.status == 404
        assert max(found.seconds, none.seconds) < 3
        assert asked(internet, NARINFOS[20]) == 1
        log = other.folder / "state/logs/access.log"
        line = eventually(lambda: re.findall(rf".*{NARINFOS[20]}", log.read_text()))
        assert len(line) == 1  # asked by the laptop, and by nobody whom it had asked in turn
        assert "lan" not in line[0]
    finally:
        other.up.stop(signal.SIGTERM)
        both.up.stop(signal.SIGTERM)
