"""Three caches of one site that share the work, before one upstream."""

import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

import pytest

from passthru.nix import SecretKey, parse_narinfo, sign_narinfo
from passthru.nix.hashes import sha256 as nix_sha256
from tests.lan.site import PYTHON, Lan, eventually
from tests.lan.test_follow import Appliance, start

PATHS: Final = 500
PORT: Final = 8097
NAMES: Final = ("one", "two", "three")
KEY: Final = SecretKey.from_seed("site-1", b"k" * 32)
DIGITS: Final = "0123456789abcdfghijklmnpqrsvwxyz"


def objects() -> dict[str, bytes]:
    """Return a thousand objects: a narinfo and a NAR for each path, all made up."""
    files: dict[str, bytes] = {}
    for number in range(PATHS):
        nar = sha256(b"%d" % number).digest() * (100 + number)
        digest = sha256(b"path %d" % number).digest()
        path = "".join(DIGITS[byte % 32] for byte in digest)
        url = f"nar/{nix_sha256(nar).nix32}.nar"
        files[url] = nar
        text = f"StorePath: /nix/store/{path}-p\nURL: {url}\nCompression: none\n"
        text += f"NarHash: {nix_sha256(nar)}\nNarSize: {len(nar)}\nReferences: \n"
        files[f"{path}.narinfo"] = sign_narinfo(parse_narinfo(text.encode()), KEY).to_bytes()
    return files


FILES: Final = objects()
NARINFOS: Final = sorted(name for name in FILES if name.endswith(".narinfo"))


@pytest.fixture(scope="module", params=["listed", "discovered"])
def site(request: pytest.FixtureRequest, lan: Lan) -> Iterator[tuple[list[Appliance], Path]]:
    """Run an upstream and three caches; return them and the log of what the upstream was asked."""
    assert lan.hosts
    with Lan(*NAMES, "net", network="10.213.8", network_6="fd00:213:8") as made:
        folder = made["net"].folder / "files"
        for name, data in FILES.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        log = made["net"].folder / "asked"
        made["net"].start(*PYTHON, "-m", "tests.lan.folder", str(PORT), str(log), str(folder))
        urls = [f"http://{made[name].address}:8090" for name in NAMES]
        # Those that are listed are believed; of those that announce themselves, what is signed.
        listed = request.param == "listed"
        peers = {"urls": urls} if listed else {"discover": True}
        keys = [] if listed else [str(KEY.public_key)]
        internet = {"url": f"http://10.213.8.4:{PORT}", "name": "internet", "public_keys": keys}
        caches = [
            start(
                made[name],
                8090,
                mode="lan",
                mdns={"name": f"Peer {name}", "enable": not listed},
                peers=peers,
                upstreams=[internet],
            )
            for name in NAMES
        ]
        for cache in caches:
            eventually(lambda cache=cache: len(cache.neighbours) == len(NAMES) - 1, seconds=20)  # type: ignore[misc]
        yield caches, log


def fetch(cache: Appliance, targets: list[str], folder: Path) -> list[bytes]:
    """Return the bodies of many answers, all of which have to be 200."""
    folder.mkdir(exist_ok=True)
    lines = "".join(
        f'url = "http://127.0.0.1:{cache.port}/{target}"\noutput = "{folder}/{number}"\n'
        for number, target in enumerate(targets)
    )
    (folder / "urls").write_text(lines)
    told = cache.host.run(
        *("curl", "-sS", "-Z", "--parallel-max", "8", "-w", "%{http_code}\n"),
        *("-K", str(folder / "urls")),
        timeout=100,
    )
    assert set(told.split()) == {"200"}, {code: told.count(code) for code in set(told.split())}
    return [(folder / str(number)).read_bytes() for number in range(len(targets))]


def urls_of(narinfos: list[bytes]) -> list[str]:
    """Return the paths of their NARs."""
    found = [re.search(rb"^URL: (\S+)$", body, re.MULTILINE) for body in narinfos]
    return [match[1].decode() for match in found if match]


def test_each_object_crosses_the_uplink_once(site: tuple[list[Appliance], Path]) -> None:
    """A thousand objects through all three, and the upstream's bytes are those of the objects."""
    caches, log = site
    for index, cache in enumerate(caches):
        half = NARINFOS[: PATHS // 2] if index else NARINFOS
        narinfos = fetch(cache, half, cache.folder / "narinfos")
        nars = fetch(cache, urls_of(narinfos), cache.folder / "nars")
        assert [sha256(nar).digest() for nar in nars] == [
            sha256(FILES[url]).digest() for url in urls_of([FILES[name] for name in half])
        ]
    asked = eventually(lambda: log.read_text().split())
    fetched = sum(len(FILES[path[1:]]) for path in asked if path[1:] in FILES)
    assert fetched / sum(map(len, FILES.values())) == pytest.approx(1.0, abs=0.001)

    shares = [
        (cache.folder / "state/logs/access.log").read_text().count("/internet") for cache in caches
    ]
    assert min(shares) > max(shares) / 4, shares


def test_one_may_die_in_the_middle(site: tuple[list[Appliance], Path]) -> None:
    """What it owned is asked of the others, or of the upstream, and no client hears of it."""
    caches, _log = site
    third, second = caches[2], caches[1]
    later = NARINFOS[PATHS // 2 :]
    narinfos = fetch(third, later, third.folder / "later")
    second.host.stop()
    nars = fetch(third, urls_of(narinfos), third.folder / "later-nars")

    assert [len(nar) for nar in nars] == [
        len(FILES[url]) for url in urls_of([FILES[name] for name in later])
    ]
    eventually(lambda: len(third.neighbours) == 1, seconds=20)
