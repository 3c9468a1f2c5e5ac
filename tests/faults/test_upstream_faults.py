"""Each fault of an upstream, for each kind of file, as the table promises it."""

import gzip
import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import BadStatusLine
from typing import Final

import pytest

from tests.faults.breaking import broken
from tests.faults.promise import Afterwards, Gets, Kind, Row, Stale, Stores, Time
from tests.faults.table import GIBBERISH, HALF, TABLE
from tests.nginx.cache import PLAIN, Cache, plain, upstream
from tests.nginx.client import Reply
from tests.nginx.conftest import MakeOrigin, StartCache
from tests.nginx.samples import hash_of, noise
from tests.nginx.stored import entries, expire, wait_stored

CONNECT_SECONDS: Final = 1
READ_SECONDS: Final = 2
MISSING_SECONDS: Final = 1
SIZE: Final = 3000

SLACK: Final = 1.5
"""Seconds that a busy machine may add; less than the shortest timeout and what comes after it."""

BOUNDS: Final = {
    Time.AT_ONCE: SLACK,
    Time.CONNECT: CONNECT_SECONDS + SLACK,
    Time.READ: READ_SECONDS + SLACK,
    Time.UPSTREAM: SLACK + 1,
}

CODES: Final = {
    Gets.NO: 404,
    Gets.OUTAGE: 502,
    Gets.TIMEOUT: 504,
    Gets.REFUSED: 502,
    Gets.CODE_AS_IT_CAME: 408,
    Gets.SUCCESS_AS_IT_CAME: 206,
}


Answer = Reply | bytes
"""A reply, or the bytes of what is none."""


def path_of(kind: Kind, name: str) -> str:
    """Return a path of `kind`, another for each `name`."""
    store_hash = hash_of(sum(name.encode()))
    match kind:
        case Kind.NARINFO:
            return f"/{store_hash}.narinfo"
        case Kind.METADATA:
            return f"/log/{store_hash}-{name}.drv"
        case Kind.NAR:
            return f"/nar/{name}.nar.xz"


class Scene:
    """What is asked for of one kind; the first of two upstreams is about to fail.

    `fresh` and `stale` are stored, `cold` and `other` are not; both upstreams have `other`.
    """

    def __init__(self, kind: Kind, stage: "Stage") -> None:
        self.kind = kind
        self.cache, self.first, self.second = stage.cache, stage.first, stage.second
        names = ("fresh", "stale", "cold", "other")
        self.paths = tuple(path_of(kind, name) for name in names)
        self.fresh, self.stale, self.cold, self.other = self.paths
        bodies = {path: noise(SIZE, i) for i, path in enumerate(self.paths)}
        self.first.files |= bodies
        self.second_body = self.second.files[self.other] = noise(SIZE, 10)
        self.old = bodies[self.stale]
        for path in (self.fresh, self.stale):
            assert self.cache.get(path).status == 200
            wait_stored(self.cache, f"^a{path}")
        expire(self.cache, f"^a{self.stale}")
        self.new = self.first.files[self.stale] = noise(SIZE, 9)  # a refresh has work to do

    def body(self, path: str) -> bytes:
        """Return what the first upstream has for `path`."""
        body = self.first.files[path]
        assert isinstance(body, bytes)
        return body


class Stage:
    """A cache before two upstreams, and the scenes of all kinds on it."""

    def __init__(self, kinds: tuple[Kind, ...], cache: StartCache, origins: MakeOrigin) -> None:
        self.first, self.second = origins(), origins()
        patience = {"read_timeout": f"{READ_SECONDS}s"}
        self.cache: Cache = cache(
            {**plain(self.first, "a"), **patience},
            upstream(self.second, "b", **patience),
            machine=PLAIN,
            cache={"missing_ttl": f"{MISSING_SECONDS}s"},
        )
        self.scenes = [Scene(kind, self) for kind in kinds]

    def ask(self) -> list[list[Answer]]:
        """Ask for all at once: what has to wait is seen not to hold up what has not."""
        paths = [path for scene in self.scenes for path in scene.paths]
        with ThreadPoolExecutor(len(paths)) as pool:
            answers = list(pool.map(lambda path: ask(self.cache, path), paths))
        return [answers[start : start + 4] for start in range(0, len(answers), 4)]


@pytest.mark.parametrize("row", TABLE, ids=[row.key for row in TABLE])
def test_the_promise_is_kept(
    row: Row, cache: StartCache, origins: MakeOrigin, subtests: pytest.Subtests
) -> None:
    """During the fault nothing hangs, lies or is stored wrong; after it all is well."""
    stage = Stage(row.only, cache, origins)

    with broken(stage.first, row.fault):
        start = time.monotonic()
        answers = stage.ask()
        took = time.monotonic() - start
        for scene, (fresh, stale, cold, other) in zip(stage.scenes, answers, strict=True):
            with subtests.test(kind=scene.kind, when="during"):
                check_client(row, scene, cold)
                check_second(row, scene, other)
                check_at_once(fresh, "HIT", scene.body(scene.fresh))
                check_at_once(stale, "STALE", scene.old)
                check_stored(row, scene)
                check_stale(row, scene)
                check_at_once(ask(stage.cache, scene.fresh), "HIT", scene.body(scene.fresh))
        assert took < BOUNDS[row.time], f"{took:.1f} s for {row.time}"

    if row.afterwards is Afterwards.AFTER_TTL:
        time.sleep(MISSING_SECONDS + 1.1)  # nginx counts whole seconds
    for scene, (_, _, cold, _) in zip(stage.scenes, answers, strict=True):
        with subtests.test(kind=scene.kind, when="afterwards"):
            check_afterwards(row, scene, cold)
    healed = [stage.cache.get(scene.cold).body for scene in stage.scenes]
    stage.first.stop()
    assert [stage.cache.get(scene.cold).body for scene in stage.scenes] == healed


def ask(cache: Cache, path: str) -> Answer:
    """Return the reply, or the bytes of what is none."""
    try:
        return cache.get(path)
    except BadStatusLine as error:
        return str(error.args[0]).encode()


def check_client(row: Row, scene: Scene, reply: Answer) -> None:
    """Hold what came for something that is not stored to the row."""
    body = scene.body(scene.cold)
    if row.gets is Gets.NOT_HTTP:
        assert isinstance(reply, bytes)
        assert GIBBERISH.startswith(reply.strip())
        return
    assert isinstance(reply, Reply)
    assert reply.status == CODES.get(row.gets, 200)
    match row.gets:
        case Gets.RIGHT:
            assert (reply.whole, reply.body) == (True, body)
            assert reply.get("Content-Encoding") is None
            assert "nonsense" not in str(reply.get("Content-Type"))
        case Gets.RIGHT_ENCODED:
            assert (reply.whole, gzip.decompress(reply.body)) == (True, body)
            assert reply.get("Content-Encoding") == "gzip"
        case Gets.CUT | Gets.CUT_CHUNKS:
            assert (reply.whole, reply.body) == (False, body[: len(reply.body)])
            assert (reply.get("Content-Length") is None) == (row.gets is Gets.CUT_CHUNKS)
        case Gets.SHORT:
            assert (reply.whole, reply.body) == (True, body[:HALF])
        case Gets.AS_IT_CAME:
            assert (reply.whole, reply.body != body) == (True, True)
        case Gets.CODE_AS_IT_CAME | Gets.SUCCESS_AS_IT_CAME:
            assert reply.whole
        case _:
            assert reply.line
            assert ("elsewhere.test" in reply.line) == (row.gets is Gets.REFUSED)


def check_second(row: Row, scene: Scene, reply: Answer) -> None:
    """See that the next upstream is asked exactly when nothing has gone to the client yet."""
    is_seconds = isinstance(reply, Reply) and reply.body == scene.second_body
    assert is_seconds == row.gets.goes_on
    assert bool(scene.second.seen(scene.other)) == row.gets.goes_on


def check_at_once(reply: Answer, status: str, body: bytes) -> None:
    """See that what is stored waits for nobody."""
    assert isinstance(reply, Reply)
    assert (reply.status, reply.cache_status, reply.body) == (200, status, body)
    assert reply.seconds < SLACK


def check_stored(row: Row, scene: Scene) -> None:
    """Look into nginx's files for the key of what was not stored before."""
    stored = [entry.status for entry in entries(scene.cache, f"^a{scene.cold}")]
    expected = row.stores in {Stores.ANSWER, Stores.WRONG}
    assert stored == ([200] if expected else [])


def check_stale(row: Row, scene: Scene) -> None:
    """See what becomes of what is past its time once it has been asked for again."""
    deadline = time.monotonic() + 3
    for count in itertools.count():
        reply = scene.cache.get(scene.stale)
        match row.stale:
            case Stale.SERVED | Stale.UNCHANGED if count == 3:
                return
            case Stale.ONCE if reply.status == 404:
                return
            case Stale.REPLACED if reply.body != scene.old:
                return
        assert (reply.status, reply.body) == (200, scene.old)
        assert time.monotonic() < deadline, f"{reply.status} {reply.cache_status}"
        time.sleep(0.05)


def check_afterwards(row: Row, scene: Scene, cold: Answer) -> None:
    """Ask again when the fault is over: with a range where that is promised, and for the whole."""
    body = scene.body(scene.cold)
    if row.gets is Gets.CUT and isinstance(cold, Reply):
        rest = scene.cache.get(scene.cold, headers=[("Range", f"bytes={len(cold.body)}-")])
        assert (rest.status, cold.body + rest.body) == (206, body)
    right = scene.cache.get(scene.cold)
    assert (right.status, right.seconds < SLACK) == (200, True)
    if row.gets is not Gets.RIGHT_ENCODED:
        assert (right.body == body) == (row.afterwards is not Afterwards.WRONG)
    wait_stored(scene.cache, f"^a{scene.cold}")
    if row.stale is Stale.SERVED:
        wait_for_body(scene.cache, scene.stale, scene.new)


def wait_for_body(cache: Cache, path: str, body: bytes) -> None:
    """Ask until the refresh has come through."""
    deadline = time.monotonic() + READ_SECONDS + 2
    while cache.get(path).body != body:
        assert time.monotonic() < deadline, "what was stale is not refreshed"
        time.sleep(0.05)
