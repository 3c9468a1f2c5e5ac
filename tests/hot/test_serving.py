"""What clients get of a hot narinfo: what they got before."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from passthru.nginx.disk import Disk
from passthru.stats.access_log import LogParser
from passthru.stats.kind import CacheStatus, Kind, Outcome
from tests.hot.shelved import AT_ONCE, promote, shelf_of
from tests.nginx.cache import PLAIN, Cache, plain, upstream
from tests.nginx.client import Headers, Reply, fetch
from tests.nginx.conftest import MakeOrigin, StartCache
from tests.nginx.origin import Fault, File, Origin
from tests.nginx.samples import NARINFO, narinfo, narinfo_path
from tests.nginx.stored import wait_stored

MODIFIED = "Sat, 01 Jan 2022 00:00:00 GMT"
TOLD = ("Content-Type", "Content-Length", "Last-Modified", "X-Content-Type-Options", "Server")


def ask(
    one: Cache, *headers: tuple[str, str], method: str = "GET", version: str = "HTTP/1.1"
) -> Reply:
    """Ask for the narinfo."""
    return fetch(one.address, NARINFO, headers=headers, method=method, version=version)


@pytest.mark.core
def test_a_copy_is_what_was_stored(cache: StartCache, origin: Origin) -> None:
    """The same bytes and headers to GET, HEAD, ranges and conditions, and the same line in the log."""
    origin.files[NARINFO] = File(narinfo(), headers=(("Last-Modified", MODIFIED),))
    one = cache(plain(origin), machine=PLAIN, swaps=AT_ONCE)
    requests: list[tuple[str, Headers, str]] = [
        ("GET", (), "HTTP/1.1"),
        ("HEAD", (), "HTTP/1.1"),
        ("GET", (), "HTTP/1.0"),
        ("GET", (("Range", "bytes=3-9"),), "HTTP/1.1"),
        ("GET", (("If-Modified-Since", MODIFIED),), "HTTP/1.1"),
        ("POST", (), "HTTP/1.1"),
        ("GET", (("Content-Length", "0"),), "HTTP/1.1"),
    ]

    def all_of_them() -> list[Reply]:
        return [ask(one, *headers, method=way, version=v) for way, headers, v in requests]

    ask(one)
    wait_stored(one)
    before = all_of_them()
    promote(one, "a", NARINFO)
    for entry in wait_stored(one):
        entry.path.unlink()  # whoever looked into the cache would have to ask
    origin.stop()
    after = all_of_them()

    assert [reply.status for reply in after] == [200, 200, 200, 206, 304, 405, 200]
    for then, now in zip(before, after, strict=True):
        assert (now.status, now.body, now.whole) == (then.status, then.body, True)
        assert (now.cache_status, now.upstream) == (then.cache_status, then.upstream)
        told = TOLD[now.status == 304 :]  # without a body, it has no type either
        assert [now.get(name) for name in told] == [then.get(name) for name in told]
    assert (after[0].body, after[0].cache_status) == (narinfo(), "HIT")
    lines = wait_lines(one, 1 + 7 + 1 + 7)
    cut = [[*line[2:6], *line[7:]] for line in lines]
    assert cut[1:8] == cut[9:]


def test_a_copy_leads_into_no_loop(cache: StartCache, origin: Origin) -> None:
    """A request that was here before has the copy, for nobody is asked for it; else it is 508."""
    origin.files[NARINFO] = narinfo()
    one = cache(origin, swaps=AT_ONCE)
    ask(one)
    wait_stored(one)
    again = ("CDN-Loop", one.plan.loop_token)

    before = ask(one, again)
    promote(one, "a", NARINFO)

    assert (before.status, ask(one, again).status, len(origin.requests)) == (508, 200, 1)


def test_the_log_of_copies_is_of_the_same_format(cache: StartCache, origins: MakeOrigin) -> None:
    """A line names the upstream whose narinfo it was, and what is counted is a hit of it."""
    first, second = origins({narinfo_path(1): narinfo()}), origins({NARINFO: narinfo()})
    one = cache(first, second, swaps=AT_ONCE)
    shelf = promote(one, "b", NARINFO)
    promote(one, "a", narinfo_path(1), shelf=shelf)
    replies = one.get_all([NARINFO, narinfo_path(1), NARINFO])

    assert [(reply.cache_status, reply.upstream) for reply in replies] == [
        ("HIT", "b"),
        ("HIT", "a"),
        ("HIT", "b"),
    ]
    lines = wait_lines(one, 5)
    assert [line[:1] + line[2:6] for line in lines[2:]] == [
        ["2", "GET", "200", "HIT", f"narinfo/{name}"] for name in "bab"
    ]
    batch = LogParser("abc", paths=True).parse(Path(one.site.access_log).read_bytes())
    assert batch.totals.unparsable_lines == 0
    assert batch.totals.requests[Kind.NARINFO, CacheStatus.HIT] == 3
    assert sum(batch.totals.upstream_requests.values()) == 3
    assert batch.totals.upstream_requests["b", Outcome.OK] == 1


@pytest.mark.core
def test_urls_are_those_that_nginx_writes(cache: StartCache, origins: MakeOrigin) -> None:
    """A copy of the second upstream's is what the sub filter made, to the byte, whatever stood there."""
    plain = narinfo()
    odd = [
        plain,
        plain.replace(b"URL: nar/", b"uRl: NaR/"),
        plain.replace(b"URL: nar/", b"URL: https://elsewhere.test/nar/"),
        plain.replace(b"URL:", b"URL: nar/one\nURL:"),
        plain.replace(b"StorePath", b"URL: nar/first\nStorePath"),
        plain.replace(b"\n", b"\r\n"),
        plain + b"\xff\x00\nURL: nar/\n",
        b"\n" * 50 + plain,
        b"x",
    ]
    files = {narinfo_path(number): body for number, body in enumerate(odd)}
    one = cache(origins(), origins(dict(files)), swaps=AT_ONCE)
    by_nginx = []
    for target in files:
        one.get(target)
        wait_stored(one, target)
        by_nginx.append(one.get(target).body)
    shelf = promote(one, "b", *files)
    replies = [one.get(target) for target in files]

    assert len(shelf) == len(odd)
    assert [reply.body for reply in replies] == by_nginx
    assert {(reply.upstream, reply.cache_status) for reply in replies} == {("b", "HIT")}
    assert [reply.get("Content-Length") for reply in replies] == [str(len(b)) for b in by_nginx]
    assert b"\nURL: nar/~b/" in by_nginx[0]


@pytest.mark.parametrize(
    "path",
    [
        f"{NARINFO}?",
        f"{NARINFO}?x",
        f"/.{NARINFO}",
        f"/{NARINFO}",
        f"/%30{NARINFO[2:]}",
        f"/x/..{NARINFO}",
        f"/1{NARINFO}",
    ],
)
def test_nothing_else_leads_to_a_copy(path: str, hot_one: Cache) -> None:
    """A narinfo has one path; another way to write it is refused in a line, and is no hit in the log."""
    reply = hot_one.get(path)

    assert reply.status == 404
    assert reply.line == "not a path of a Nix binary cache"
    assert reply.cache_status is None


@pytest.fixture
def hot_one(cache: StartCache, origin: Origin) -> Cache:
    """Return a cache with one copy."""
    origin.files[NARINFO] = narinfo()
    one = cache(origin, swaps=AT_ONCE)
    one.get(NARINFO)
    wait_stored(one)
    shelf_of(one).add("a", NARINFO, now=time.monotonic(), clock=time.time())
    return one


def test_what_cannot_be_served_is_served_from_the_cache(
    cache: StartCache, origins: MakeOrigin
) -> None:
    """A link, a directory or a pipe in the place of a copy, or no directory at all: still a HIT."""
    first = origins({narinfo_path(n): narinfo(note=str(n)) for n in range(5)})
    second = origins({NARINFO: narinfo()})
    one = cache(first, second, swaps=AT_ONCE)
    shelf = promote(one, "a", *first.files)
    promote(one, "b", NARINFO, shelf=shelf)
    places = [Path(f"{shelf.settings.root}/1{target}") for target in first.files]
    for place in places[:4]:
        place.unlink()
    places[0].symlink_to(places[0])
    places[1].mkdir()
    places[2].symlink_to("/proc/self/nowhere")
    os.mkfifo(places[3])
    Path(f"{shelf.settings.root}/2{NARINFO}").unlink()
    os.mkfifo(Path(f"{shelf.settings.root}/2{NARINFO}"))
    first.stop()
    second.stop()
    odd = [one.get(target) for target in (*first.files, NARINFO)]
    shelf.clear()
    gone = [one.get(target) for target in (*first.files, NARINFO)]

    for replies in (odd, gone):
        assert [reply.body for reply in replies[:5]] == list(first.files.values())
        assert {(reply.status, reply.cache_status) for reply in replies} == {(200, "HIT")}
        assert [reply.upstream for reply in replies] == [*"aaaaab"]
    assert "[crit]" not in one.error_log


def test_the_order_of_upstreams_is_that_of_copies(cache: StartCache, origins: MakeOrigin) -> None:
    """The first one's copy goes before the second one's; another order looks at other copies."""
    first, second = origins({NARINFO: narinfo(note="a")}), origins({NARINFO: narinfo(note="b")})
    one = cache(second, first, swaps=AT_ONCE)
    one.apply({"upstreams": [upstream(second, "b"), upstream(first, "a")]})
    one.get(NARINFO)
    wait_stored(one, "^b/")
    one.apply({"upstreams": [upstream(first, "a"), upstream(second, "b")]})
    shelf = promote(one, "a", NARINFO)
    shelf.add("b", NARINFO, now=time.monotonic(), clock=time.time())
    both = one.get(NARINFO)
    one.apply({"upstreams": [upstream(second, "b"), upstream(first, "a")]})
    other = one.get(NARINFO)

    assert (both.upstream, both.body) == ("a", narinfo(note="a"))
    assert (other.upstream, other.body) == ("b", narinfo(note="b"))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 8])
def test_redirects_have_their_jumps(count: int, cache: StartCache, origins: MakeOrigin) -> None:
    """Nginx jumps ten times: where two redirects of each upstream would not fit, nothing is copied."""
    several = [origins() for _ in range(count)]
    for origin in several:
        for number in range(2):
            where = (("Location", f"/{number}.x"),)
            origin.fail(Fault(NARINFO if not number else "/0.x", status=302, headers=where))
    several[-1].files["/1.x"] = narinfo()
    circle = narinfo_path(1)
    for origin in several:
        origin.fail(Fault(circle, status=302, headers=(("Location", circle),)))
    one = cache(*several)
    found, round_about = one.get(NARINFO), one.get(circle)

    assert (one.plan.hot is None) == (count > 3)
    assert found.status == 200 if count <= 3 else 502
    assert round_about.status == 502
    assert "cycle" not in one.error_log


@pytest.mark.parametrize(
    ("settings", "machine", "most"),
    [
        ({"hot": 0}, {}, None),
        ({}, {"disk": Disk(writable=False)}, None),
        ({}, {"disk": Disk(writable=False, readable=False)}, None),
        ({}, {"open_files": 65536}, 4096),
        ({}, {"open_files": 1024}, 256),
        ({"hot": 9}, {}, 9),
    ],
)
def test_how_many_there_may_be(
    settings: dict[str, Any],
    machine: dict[str, Any],
    most: int | None,
    cache: StartCache,
    origin: Origin,
) -> None:
    """As the spec says, but a quarter of a worker's open files; none where nothing is stored."""
    one = cache(origin, cache=settings, machine=machine, start=False)
    one.port = 8080
    one.write()

    assert (one.plan.hot and one.plan.hot.most) == most
    assert ("hot.json" in one.rendering.files) == ("passthru_hot" in one.text) == bool(most)


def wait_lines(one: Cache, count: int) -> list[list[str]]:
    """Return the lines of the log, split, once there are so many."""
    deadline = time.monotonic() + 5
    while True:
        lines = Path(one.site.access_log).read_text(encoding="ascii").splitlines()
        if len(lines) >= count or time.monotonic() > deadline:
            assert len(lines) == count
            return [line.split("\t") for line in lines]
        time.sleep(0.05)
