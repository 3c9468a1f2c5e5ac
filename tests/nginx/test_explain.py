"""`passthru explain` and `passthru purge` beside a real nginx, and after its end."""

import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from passthru.cache.place import file_path
from passthru.nix.binary_cache import BinaryCache, Package, make_cache
from passthru.nix.keys import SecretKey
from passthru.nix.nar_tree import File
from passthru.nix.narinfo import NarInfo
from passthru.nix.narinfo_reader import parse_narinfo
from passthru.nix.store_path import StorePath
from tests.nginx.cache import Cache
from tests.nginx.commands import spec_file, type_in
from tests.nginx.conftest import MakeOrigin, StartCache
from tests.nginx.origin import Fault, Origin
from tests.nginx.samples import DRV, HASH, hash_of, narinfo, noise
from tests.nginx.stored import entries, expire, wait_stored
from tests.unit.cli.command import environment

HELLO: BinaryCache = make_cache(
    [Package(path=StorePath.parse(f"{HASH}-hello-2.12.1"), tree=File(noise(50_000)))],
    top=StorePath.parse(f"{HASH}-hello-2.12.1"),
    secret_key=SecretKey.generate("test-1"),
)
INFO: NarInfo = parse_narinfo(HELLO.files[f"{HASH}.narinfo"])
FILES = {f"/{name}": content for name, content in HELLO.files.items()}
STORE_PATH = INFO.store_path.absolute()
NAR = f"/{INFO.url}"
NAMED_NAR = f"/nar/~b/{INFO.url.removeprefix('nar/')}"


def explain(one: Cache, what: str = HASH, *options: str, code: int = 0) -> dict[str, Any]:
    """Return the record of `explain`, which ends with `code`."""
    done = type_in("explain", what, str(spec_file(one)), "--json", *options)
    assert (done.code, done.err) == (code, "")
    record: dict[str, Any] = json.loads(done.out)
    assert set(record) == {"version", "storePath", "narinfoFault", "narElsewhere", "ok", "paths"}
    return record


def states(path: dict[str, Any]) -> dict[str, str]:
    """Return the state of each upstream's entry."""
    return {entry["upstream"]: entry["state"] for entry in path["entries"]}


def fill(one: Cache, *targets: str) -> None:
    """Ask for each target, and wait until what came is stored."""
    for target in targets:
        assert one.get(target).status == 200
    wait_stored(one, count=len(targets))


@pytest.mark.core
def test_all_of_a_store_path(cache: StartCache, origin: Origin) -> None:
    """The narinfo and its NAR, fresh, complete, and right when they are read."""
    origin.files.update(FILES)
    one = cache(origin)
    fill(one, f"/{HASH}.narinfo", NAR)

    record = explain(one, STORE_PATH)
    info, nar = record["paths"]
    assert record["storePath"] == STORE_PATH
    assert [path["path"] for path in (info, nar)] == [f"/{HASH}.narinfo", NAR]
    assert [states(path) for path in (info, nar)] == [{"a": "fresh"}] * 2
    assert nar["entries"][0]["nar"] == "complete"
    assert nar["entries"][0]["sizeBytes"] == INFO.file_size
    assert nar["entries"][0]["file"] == str(entries(one, "nar/")[0].path)
    assert (nar["servedFrom"], nar["askedFirst"]) == ("a", [])
    assert explain(one, HASH, "--verify")["paths"][1]["entries"][0]["nar"] == "verified"


def test_it_asks_nobody_and_changes_nothing(cache: StartCache, origin: Origin) -> None:
    """What is told is read from files alone, and nginx need not run."""
    origin.files.update(FILES)
    one = cache(origin)
    fill(one, f"/{HASH}.narinfo", NAR)
    one.stop()
    origin.forget()
    before = {entry.path: entry.path.read_bytes() for entry in entries(one)}

    assert explain(one)["paths"][1]["servedFrom"] == "a"
    assert explain(one, hash_of(7))["paths"][0]["servedFrom"] is None
    assert origin.requests == []
    assert {entry.path: entry.path.read_bytes() for entry in entries(one)} == before


def test_last_answers(cache: StartCache, origins: MakeOrigin) -> None:
    """What clients were told last is found in the log, newest first, and no other path's."""
    one = cache(origins(), origins({**FILES, f"{NAR}?x": b"other"}))
    fill(one, f"/{HASH}.narinfo", NAMED_NAR)
    one.get(f"{NAMED_NAR}?x")
    one.get(f"/{HASH}.narinfo")
    one.get(f"/{hash_of(9)}.narinfo")
    deadline = time.monotonic() + 10
    while len((record := explain(one))["paths"][0]["lastAnswers"]) < 2:
        assert time.monotonic() < deadline, one.site.logs
        time.sleep(0.1)

    info, nar = (path["lastAnswers"] for path in record["paths"])
    assert [answer["cacheStatus"] for answer in info] == ["hit", "miss"]
    assert {(answer["status"], answer["upstream"]) for answer in info} == {(200, "b")}
    assert [answer["cacheStatus"] for answer in nar] == ["miss"]
    missing = explain(one, hash_of(9))["paths"][0]["lastAnswers"]
    assert [answer["status"] for answer in missing] == [404]
    assert "  last: " in type_in("explain", HASH, str(spec_file(one))).out


def test_second_upstream(cache: StartCache, origins: MakeOrigin) -> None:
    """A narinfo of the second leads to the second's own NAR, of which the first is not asked."""
    one = cache(origins(), origins(FILES))
    fill(one, f"/{HASH}.narinfo", NAMED_NAR)

    info, nar = explain(one)["paths"]
    assert states(info) == {"a": "absent", "b": "fresh"}
    assert (info["servedFrom"], info["askedFirst"]) == ("b", ["a"])
    assert (nar["path"], states(nar)) == (NAMED_NAR, {"b": "fresh"})
    assert nar["entries"][0]["nar"] == "complete"


def test_stale_narinfo(cache: StartCache, origin: Origin) -> None:
    """What has run out is served all the same, and asked for again."""
    origin.files.update(FILES)
    one = cache(origin)
    fill(one, f"/{HASH}.narinfo")
    expire(one)

    info, nar = explain(one)["paths"]
    assert states(info) == {"a": "stale"}
    assert states(nar) == {"a": "absent"}
    done = type_in("explain", HASH, str(spec_file(one)))
    assert "next: STALE from a, which is asked again beside it" in done.out
    assert "next: MISS: asks a" in done.out
    assert one.get(f"/{HASH}.narinfo").cache_status == "STALE"


def test_wrong_nar_is_told(cache: StartCache, origin: Origin) -> None:
    """A NAR that was stored wrong is found by its hash, and told with what to type."""
    origin.files.update(FILES)
    origin.fail(Fault(NAR, corrupt=True))
    one = cache(origin)
    fill(one, f"/{HASH}.narinfo", NAR)

    assert explain(one)["ok"] is True
    nar = explain(one, HASH, "--verify", code=3)["paths"][1]
    assert nar["entries"][0]["nar"] == "wrong-hash"
    done = type_in("explain", HASH, str(spec_file(one)), "--verify")
    assert f"passthru purge --spec {spec_file(one)} {HASH}.narinfo\n" in done.out
    os.truncate(nar["entries"][0]["file"], 20_000)
    assert explain(one, code=3)["paths"][1]["entries"][0]["nar"] == "wrong-size"
    assert "CUT: " in type_in("explain", NAR, str(spec_file(one))).out


def test_narinfo_that_is_none(cache: StartCache, origin: Origin) -> None:
    """What an upstream passes for a narinfo is named as what it is, in one line."""
    origin.files[f"/{HASH}.narinfo"] = b"\x1b[31mhello\n"
    one = cache(origin)
    fill(one, f"/{HASH}.narinfo")

    record = explain(one, code=3)
    assert record["storePath"] is None
    assert record["narinfoFault"]
    assert "\x1b" not in type_in("explain", HASH, str(spec_file(one))).out


def test_file_of_another_key(cache: StartCache, origin: Origin) -> None:
    """What nginx would not serve under a name is no answer, here as there, and purge removes it."""
    origin.files.update(FILES)
    one = cache(origin)
    fill(one, f"/{HASH}.narinfo")
    zone, missing = one.plan.zones.metadata, f"/{hash_of(5)}.narinfo"
    place = Path(file_path(zone.directory, zone.levels, f"a{missing}"))
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(entries(one)[0].path.read_bytes())

    (path,) = explain(one, missing)["paths"]
    assert states(path) == {"a": "spoilt"}
    assert "another answer" in path["entries"][0]["fault"]
    assert path["servedFrom"] is None
    assert one.get(missing).status == 404
    assert type_in("purge", missing, "--yes", "--spec", str(spec_file(one))).code == 0
    assert not place.exists()


def test_nar_elsewhere(cache: StartCache, origin: Origin) -> None:
    """A NAR on another host is found where clients ask for it; one that is no URL is said to be none."""
    url, other = "https://else.where/x.nar", f"/{'1' * 32}.narinfo"
    origin.files = {f"/{HASH}.narinfo": narinfo(url=url), other: narinfo(url="else/where")}
    one = cache(origin)
    fill(one, f"/{HASH}.narinfo", other)

    here, there = explain(one), explain(one, other)

    assert (here["narElsewhere"], here["paths"][1]["path"]) == (
        None,
        "/nar/~a/~/https/else.where/x.nar",
    )
    assert (there["narElsewhere"], len(there["paths"])) == ("else/where", 1)


@pytest.mark.parametrize(
    ("what", "path"),
    [
        (STORE_PATH, f"/{HASH}.narinfo"),
        (f"{STORE_PATH}/bin/hello", f"/{HASH}.narinfo"),
        (f"{HASH}-hello-2.12.1", f"/{HASH}.narinfo"),
        (HASH, f"/{HASH}.narinfo"),
        (f"{HASH}.narinfo", f"/{HASH}.narinfo"),
        (f"http://cache.test/{HASH}.narinfo", f"/{HASH}.narinfo"),
        (f"http://upstream.test/team/{HASH}.narinfo", f"/{HASH}.narinfo"),
        (f"{HASH}.ls", f"/{HASH}.ls"),
        (INFO.url, NAR),
        (NAR, NAR),
        (INFO.url.removeprefix("nar/"), NAR),
        (f"https://cache.test{NAR}?x=1#y", f"{NAR}?x=1"),
        (f"log/{DRV}", f"/log/{DRV}"),
    ],
)
def test_ways_to_name_an_object(cache: StartCache, origin: Origin, what: str, path: str) -> None:
    """Whatever people have at hand names it."""
    one = cache({"url": "http://upstream.test/team", "name": "a"}, origin, start=False)

    assert explain(one, what)["paths"][0]["path"] == path


@pytest.mark.parametrize("command", ["explain", "purge"])
@pytest.mark.parametrize(
    "what",
    [
        "",
        "/",
        "hello",
        f"{HASH}x",
        f"{HASH}-",
        "e" * 32,
        "/nix/store",
        "/nix/store/",
        "/nix/store/hello",
        "nix-cache-info",
        "http://cache.test/",
        "http://cache.test/status",
        "http://[",
        f"ftp://cache.test/{HASH}.narinfo",
        f"{HASH}.narinfo?x",
        "nar/../../etc/passwd",
        "nar/%2e%2e/x",
        "nar/x\ny",
        "nar/\x1b[31m",
        "nar/" + "x" * 3000,
        "\udcff",
    ],
)
def test_what_names_nothing(cache: StartCache, origin: Origin, command: str, what: str) -> None:
    """It is a wrong command line, told in one line that holds nothing of the terminal's."""
    one = cache(origin, start=False)
    spec = str(spec_file(one))
    words = ("explain", what, spec) if command == "explain" else ("purge", what, "--spec", spec)
    done = type_in(*words)

    assert (done.code, done.out) == (2, "")
    error, hint = done.err.splitlines()
    assert error.startswith("error: ")
    assert len(error) < 250
    assert error.isprintable()
    assert hint == f"hint: see `passthru {command} --help`"


@pytest.mark.core
def test_purge_mends(cache: StartCache, origins: MakeOrigin) -> None:
    """A NAR that was stored wrong is right at the next request, from whatever names the path."""
    first, second = origins(), origins(FILES)
    second.files[f"/{HASH}.ls"] = FILES[f"/{HASH}.ls"]
    second.fail(Fault(NAR, corrupt=True, times=1))
    one = cache(first, second)
    fill(one, f"/{HASH}.narinfo", f"/{HASH}.ls", NAMED_NAR)
    assert one.get(NAMED_NAR).body != FILES[NAR]
    spec = str(spec_file(one))

    planned = type_in("purge", STORE_PATH, "--dry-run", "--spec", spec)
    assert (planned.code, len(planned.out.splitlines())) == (0, 3)
    assert "would remove 3 files" in planned.err
    assert len(entries(one)) == 3
    done = type_in("purge", STORE_PATH, "--yes", "--spec", spec)
    assert (done.code, done.out) == (0, "")
    assert "removed 3 files" in done.err
    assert entries(one) == []

    mended = one.get(NAMED_NAR)
    assert (mended.cache_status, mended.body) == ("MISS", FILES[NAR])
    assert type_in("purge", hash_of(3), "--yes", "--spec", spec).err == "nothing of it is stored\n"


def test_purge_of_one_path(cache: StartCache, origin: Origin) -> None:
    """The URL of a NAR is that NAR alone; JSON tells what went."""
    origin.files.update(FILES)
    one = cache(origin)
    fill(one, f"/{HASH}.narinfo", NAR)
    (nar,) = entries(one, "nar/")
    size = nar.path.stat().st_size
    done = type_in("purge", NAR, "--yes", "--json", "--spec", str(spec_file(one)))

    assert json.loads(done.out) == {
        "version": 1,
        "dryRun": False,
        "removed": [{"upstream": "a", "key": f"a{NAR}", "file": str(nar.path), "fileBytes": size}],
        "copies": [],
    }
    assert [entry.key for entry in entries(one)] == [f"a/{HASH}.narinfo"]


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_purge_asks(cache: StartCache, origin: Origin, options: list[str]) -> None:
    """Where nobody can be asked nothing is removed, and what to write is told."""
    origin.files.update(FILES)
    one = cache(origin)
    fill(one, NAR)
    done = type_in("purge", NAR, "--spec", str(spec_file(one)), *options, keys="y\n")

    assert done.code == 1
    assert "--yes" in done.err + done.out
    assert len(entries(one)) == 1


def test_other_peoples_cache(cache: StartCache, origin: Origin, tmp_path: Path) -> None:
    """A cache directory that is a file is no crash."""
    one = cache(origin, start=False)
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    spec = str(spec_file(one, cache={"directory": str(in_the_way)}))

    assert type_in("explain", HASH, spec).code == 0
    assert type_in("purge", HASH, "--yes", "--spec", spec).code == 0


@pytest.mark.parametrize(("key", "left"), [("n", 1), ("y", 0)])
def test_purge_on_a_terminal(cache: StartCache, origin: Origin, key: str, left: int) -> None:
    """It shows what would go, asks, and does what it is told."""
    origin.files.update(FILES)
    one = cache(origin)
    fill(one, NAR)
    near, far = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "passthru", "purge", NAR, "--spec", str(spec_file(one))],
        stdin=far,
        stdout=far,
        stderr=far,
        env=environment(one.home),
    )
    os.close(far)
    seen = ""
    while "[y/N]" not in seen:
        seen += os.read(near, 4096).decode()
    os.write(near, f"{key}\n".encode())
    code = process.wait(20)
    os.close(near)

    assert f"a{NAR}" in seen
    assert code == (130 if left else 0)
    assert len(entries(one)) == left
