"""The ledger: what was counted survives, whatever happens to process, file, disk and clock."""

import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from passthru.errors import PassthruError
from passthru.stats import ledger_schema, ledger_store
from passthru.stats.access_log import LogParser
from passthru.stats.batch import Asked, Batch, LastError, PathCount, Sums
from passthru.stats.history import Span
from passthru.stats.kind import CacheStatus, Kind, Outcome
from passthru.stats.ledger import Ledger
from passthru.stats.position import Position
from passthru.stats.totals import Totals
from tests.checkout import ROOT
from tests.stats.lines import AT, asked, request

DAY = 86_400
NOON = 1_800_014_400
"""A whole multiple of six hours."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the ledger is."""
    return tmp_path / "stats" / "ledger.sqlite"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    """Return a ledger that is new."""
    with Ledger.open(str(path), now=NOON) as opened:
        yield opened


def some_lines() -> Batch:
    """Return what lines of every sort come to."""
    lines = [
        request(seconds="0.007"),
        request(
            "/nar/a",
            cache="MISS",
            turn="nar/nixos",
            contacts=asked("503 : 200", trail="|nar/own MISS=503", response="400.000 : 0.100"),
        ),
        request("/x", cache="", turn="", status=404),
        b"nonsense\n",
    ]
    return LogParser(["nixos", "own"], paths=True).parse(b"".join(lines))


def batch_at(moment: int, requests: int = 1) -> Batch:
    """Return requests that all ended at one moment."""
    batch = Batch(minutes={moment // 60 * 60: Sums(requests=requests)})
    batch.totals.requests[Kind.NAR, CacheStatus.HIT] = requests
    batch.totals.lines = requests
    return batch


def said(ledger: Ledger) -> str | None:
    """Return what is wrong with the disk."""
    return ledger.fault


def everything(ledger: Ledger) -> object:
    """Return all that a ledger tells."""
    return (
        ledger.totals(),
        ledger.position(),
        ledger.counting_since,
        ledger.tally(AT - DAY),
        ledger.points(Span.HOUR, AT),
        ledger.asked(AT - 100),
        ledger.asked_at(),
        ledger.last_errors(),
        ledger.answers(),
        ledger.sample(),
        ledger.wanted(AT - DAY, 10),
    )


def test_all_is_there_again(path: Path) -> None:
    """What was added is the same after a restart, every part of it."""
    batch, position = some_lines(), Position(7, 1234, "abc", 99)
    with Ledger.open(str(path), now=5.25) as first:
        first.add(batch, position)
        before = everything(first)
    with Ledger.open(str(path), now=9.0) as second:
        assert everything(second) == before
        assert second.totals() == batch.totals
        assert second.position() == position
        assert second.counting_since == 5.25
        assert second.last_errors() == {"own": LastError(AT, "answered 503")}
        assert second.answers() == tuple(batch.answers)
        assert second.asked(AT - 100).keys() == {"own", "nixos"}
        assert second.wanted(AT, 1) == ((batch.answers[0].path, PathCount(1, 500)),)


def test_batches_add_up(path: Path) -> None:
    """What is added later is added to what was, across restarts."""
    for _ in range(3):
        with Ledger.open(str(path), now=0) as ledger:
            ledger.add(some_lines(), None)
    with Ledger.open(str(path), now=0) as ledger:
        totals = ledger.totals()
        assert totals.lines == 12
        assert totals.upstream_requests == {
            ("own", Outcome.ERROR): 3,
            ("nixos", Outcome.OK): 3,
        }
        assert totals.upstream_durations["own"].counts[-1] == 3
        assert ledger.tally(AT - 60) == ledger.tally()
        assert ledger.asked(AT - 60)["own"].requests == 3


def test_a_killed_process_changes_no_total(path: Path, tmp_path: Path) -> None:
    """However often the counting process is killed, every line counts once."""
    log = tmp_path / "access.log"
    chance = random.Random(1)  # noqa: S311 - no secret
    argv = (sys.executable, "-m", "tests.stats.counting_process", str(log), str(path))
    sent, lines = 0, 0
    last = False
    for turn in range(13):
        last = turn == 12
        with log.open("ab") as file:
            for _ in range(0 if last else 400):
                size = chance.randrange(10_000)
                sent, lines = sent + size, lines + 1
                file.write(request(sent=size))
        with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            if last:
                assert process.stdout.readline() == b"read\n"
            else:
                time.sleep(chance.uniform(0.1, 0.4))
            process.kill()
        if turn % 4 == 3:
            log.rename(f"{log}.{12 - turn}")

    with Ledger.open(str(path), now=0) as ledger:
        totals = ledger.totals()
        assert (totals.lines, totals.unparsable_lines) == (lines, 0)
        assert totals.sent_bytes == {(Kind.NARINFO, CacheStatus.HIT): sent}
        assert ledger.tally(AT - 3600) == ledger.tally()


def test_one_process_at_a_time(ledger: Ledger, path: Path) -> None:
    """A second process that would count the same lines is told so."""
    with pytest.raises(PassthruError, match="another process counts"):
        Ledger.open(str(path), now=0)
    ledger.close()
    Ledger.open(str(path), now=0).close()


def test_a_file_of_the_first_version(path: Path) -> None:
    """What an earlier version counted is kept."""
    path.parent.mkdir()
    database = sqlite3.connect(path)
    database.executescript(ledger_schema.MIGRATIONS[0])
    database.execute("PRAGMA user_version = 1")
    database.execute("INSERT INTO counters VALUES ('requests', 'nar', 'hit', 41)")
    database.execute("""INSERT INTO kept VALUES ('position', '[7, 8, "x", 9]')""")
    database.execute("INSERT INTO steps VALUES (60, ?, 41, 41, 41, 0, 5, 6)", (NOON,))
    database.commit()
    database.close()

    with Ledger.open(str(path), now=NOON) as ledger:
        ledger.add(batch_at(NOON), ledger.position())

        assert ledger.totals().requests == {(Kind.NAR, CacheStatus.HIT): 42}
        assert ledger.position() == Position(7, 8, "x", 9)
        assert ledger.tally(NOON) == Sums(42, 41, 41, 0, 5, 6)
        assert said(ledger) is None


def test_a_file_of_a_later_version(path: Path) -> None:
    """What a newer passthru wrote is left alone."""
    Ledger.open(str(path), now=0).close()
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 99")
    database.close()
    content = path.read_bytes()

    with pytest.raises(PassthruError, match="newer passthru") as caught:
        Ledger.open(str(path), now=0)

    assert caught.value.hint is not None
    assert path.read_bytes() == content


def test_counts_of_a_later_version_stay(path: Path) -> None:
    """Counts that only a later version knows are neither read nor lost."""
    with Ledger.open(str(path), now=0) as ledger:
        ledger.add(some_lines(), None)
    rows = [("requests", "push", "hit", 3), ("gossip", "", "", 4), ("durations", "nar", "7", 5)]
    database = sqlite3.connect(path)
    database.executemany("INSERT INTO counters VALUES (?, ?, ?, ?)", rows)
    database.commit()
    database.close()

    with Ledger.open(str(path), now=0) as ledger:
        assert ledger.totals().requests == some_lines().totals.requests
        ledger.add(some_lines(), None)
    database = sqlite3.connect(path)
    kept = set(database.execute("SELECT name, first, second, value FROM counters"))
    database.close()
    assert kept.issuperset(rows)


@pytest.mark.parametrize("damage", ["another file", "in the middle", "cut"])
def test_a_damaged_file_is_moved_aside(
    path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Counting begins anew, and what is left of the old file is there to be looked at."""
    with Ledger.open(str(path), now=0) as ledger:
        ledger.add(some_lines(), Position(1, 2))
    content = path.read_bytes()
    match damage:
        case "another file":
            content = b"not a database, but long enough to look like one" * 100
        case "in the middle":
            content = content[:5000] + b"\xff" * 9000 + content[14000:]
        case _:
            content = content[: len(content) // 2]
    path.write_bytes(content)

    with Ledger.open(str(path), now=7) as ledger:
        assert ledger.totals() == Totals()
        assert ledger.position() is None
        assert ledger.counting_since == 7
        ledger.add(some_lines(), Position(1, 2))
        assert said(ledger) is None
    assert "is damaged" in caplog.text
    assert path.with_name("ledger.sqlite.damaged").read_bytes() == content
    with Ledger.open(str(path), now=8) as ledger:
        assert ledger.totals() == some_lines().totals


def test_a_directory_in_its_place(tmp_path: Path) -> None:
    """It is no damaged file, and is not ours to move: it is said what is in the way."""
    path = tmp_path / "ledger.sqlite"
    path.mkdir()

    with pytest.raises(PassthruError, match="is a directory") as caught:
        Ledger.open(str(path), now=0)

    assert caught.value.hint == "move it away: a file is made in its place"


def test_a_file_damaged_while_it_is_open(
    ledger: Ledger, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file that takes its place has all totals and the position."""
    ledger.add(some_lines(), Position(1, 2))

    def broken(*_: object) -> None:
        raise sqlite3.DatabaseError("database disk image is malformed")

    with monkeypatch.context() as patch:
        patch.setattr(ledger_store, "add_steps", broken)
        ledger.add(some_lines(), Position(1, 3))
        assert "malformed" in str(said(ledger))
    ledger.add(some_lines(), Position(1, 4))
    assert said(ledger) is None
    ledger.close()

    with Ledger.open(str(path), now=0) as again:
        assert again.totals().lines == 12
        assert again.totals() == ledger.totals()
        assert again.position() == Position(1, 4)


@pytest.mark.parametrize("what", ["file", "directory"])
def test_a_file_removed_while_it_is_open(
    ledger: Ledger, path: Path, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The next one has all totals and the position, and is locked as the first was."""
    ledger.add(some_lines(), Position(1, 2))
    if what == "directory":
        shutil.rmtree(path.parent)
    else:
        for file in path.parent.iterdir():
            file.unlink()
    ledger.add(some_lines(), Position(1, 3))
    assert said(ledger) is None
    assert "was removed" in caplog.text
    with pytest.raises(PassthruError, match="another process counts"):
        Ledger.open(str(path), now=0)
    ledger.close()

    with Ledger.open(str(path), now=0) as again:
        assert again.totals().lines == 8
        assert again.totals() == ledger.totals()
        assert again.position() == Position(1, 3)


@pytest.mark.parametrize("message", ["database or disk is full", "disk I/O error"])
def test_a_disk_that_takes_nothing(
    ledger: Ledger, path: Path, monkeypatch: pytest.MonkeyPatch, message: str
) -> None:
    """What cannot be written is shown all the same, and written when it can be, once."""

    def full(*_: object) -> None:
        raise sqlite3.OperationalError(message)

    ledger.add(some_lines(), Position(1, 1))
    with monkeypatch.context() as patch:
        patch.setattr(ledger_store, "prune", full)
        patch.setattr(ledger_store, "add_wanted", full)
        for offset in range(2, 5):
            ledger.add(some_lines(), Position(1, offset))
        assert said(ledger) == f"cannot write {path}: {message}"
        assert ledger.totals().lines == 16
        assert ledger.tally(AT - 60).requests == 12
        assert ledger.points(Span.HOUR, AT)[-1].sums.requests == 12
        assert ledger.asked(AT - 60)["own"].requests == 4
        with sqlite3.connect(path) as other:
            (position,) = other.execute("SELECT value FROM kept WHERE name = 'position'").fetchone()
        other.close()
        assert position.startswith("[1, 1,")
    ledger.add(some_lines(), Position(1, 5))
    assert said(ledger) is None
    before = everything(ledger)
    ledger.close()
    with Ledger.open(str(path), now=0) as again:
        assert everything(again) == before
        assert again.totals().lines == 20


def test_a_file_that_cannot_grow(ledger: Ledger, path: Path) -> None:
    """When SQLite itself says that the disk is full, nothing of the batch is there, and later all."""
    ledger.add(some_lines(), Position(1, 1))
    database = ledger._store._database
    assert database is not None
    (pages,) = database.execute("PRAGMA page_count").fetchone()
    database.execute(f"PRAGMA max_page_count = {pages}")
    batch = some_lines()
    batch.minutes = {NOON + minute * 60: Sums(requests=1) for minute in range(5000)}
    ledger.add(batch, Position(1, 2))
    assert said(ledger) == f"cannot write {path}: database or disk is full"
    with sqlite3.connect(path) as other:
        (lines,) = other.execute("SELECT value FROM counters WHERE name = 'lines'").fetchone()
    other.close()
    assert lines == 4

    database.execute("PRAGMA max_page_count = 1000000")
    ledger.add(some_lines(), Position(1, 3))
    assert said(ledger) is None
    ledger.close()
    with Ledger.open(str(path), now=0) as again:
        assert again.totals().lines == 12
        assert again.position() == Position(1, 3)


def test_a_file_that_was_made_and_nothing_more(path: Path) -> None:
    """An empty file, left by a disk that was full at the start, is a new ledger."""
    path.parent.mkdir()
    path.touch()
    with Ledger.open(str(path), now=7) as ledger:
        assert ledger.fault is None
        assert ledger.counting_since == 7


def test_a_disk_that_is_full_from_the_start(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counting begins in memory, also beside the empty file that an earlier try left."""

    def full(database: sqlite3.Connection, _: str) -> None:
        database.execute("PRAGMA user_version").fetchone()
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("passthru.stats.ledger_file.prepare", full)
        for _ in range(2):
            ledger = Ledger.open(str(path), now=7)
            assert said(ledger) == f"cannot write {path}: database or disk is full"
            ledger.close()
        ledger = Ledger.open(str(path), now=7)
        ledger.add(some_lines(), Position(1, 1))
        assert ledger.totals().lines == 4
    ledger.add(some_lines(), Position(1, 2))
    assert said(ledger) is None
    ledger.close()
    with Ledger.open(str(path), now=9) as again:
        assert again.totals().lines == 8


def test_a_disk_that_cannot_be_written_from_the_start(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the file has is the beginning, and it gets what came meanwhile as soon as it can."""
    with Ledger.open(str(path), now=5) as ledger:
        ledger.add(some_lines(), Position(1, 1))

    def readonly(*_: object) -> None:
        raise sqlite3.OperationalError("attempt to write a readonly database")

    with monkeypatch.context() as patch:
        patch.setattr("passthru.stats.ledger_file.prepare", readonly)
        ledger = Ledger.open(str(path), now=9)
        assert ledger.position() == Position(1, 1)
        assert ledger.counting_since == 5
        ledger.add(some_lines(), Position(1, 2))
        assert said(ledger) == f"cannot write {path}: attempt to write a readonly database"
        assert ledger.totals().lines == 8
    ledger.close()
    with Ledger.open(str(path), now=9) as again:
        assert again.totals().lines == 8
        assert again.position() == Position(1, 2)


def test_charts_have_no_gaps(ledger: Ledger) -> None:
    """60 minutes, 96 quarters, 120 times six hours, up to the step that is now, at 0 where nothing was."""
    now = NOON + 5 * 60 + 7
    for back in (0, 60, 3600, DAY - 900, 29 * DAY):
        ledger.add(batch_at(now - back), None)
    ledger.add(batch_at(now + DAY, 1000), None)

    for span, count, seconds in (
        (Span.HOUR, 60, 60),
        (Span.DAY, 96, 900),
        (Span.MONTH, 120, 21_600),
    ):
        steps = ledger.points(span, now)
        starts = [step.start for step in steps]
        assert len(steps) == count
        assert starts == list(range(starts[0], starts[0] + count * seconds, seconds))
        assert starts[-1] <= now < starts[-1] + seconds
    requests = {
        span: [step.sums.requests for step in ledger.points(span, now) if step.sums.requests]
        for span in Span
    }
    assert requests == {
        Span.HOUR: [1, 1],
        Span.DAY: [1, 1, 2],
        Span.MONTH: [1, 1, 1, 2],
    }


def test_a_year_stays_small(ledger: Ledger, path: Path) -> None:
    """A year of requests, at the end in every minute, takes some hundred kilobytes, and is all in the tallies."""
    upstreams = ("nixos", "own")
    for day in range(365):
        start = NOON + day * DAY
        batch = Batch()
        often = 60 if day > 360 else 900
        for minute in range(start, start + DAY, often):
            batch.minutes[minute] = Sums(requests=often // 60)
        if day > 360:
            for minute in range(start, start + DAY, 600):
                for name in upstreams:
                    batch.asked_minutes[minute, name] = Asked(requests=1)
            batch.paths = {f"/nar/{number}": PathCount(number, 1) for number in range(1000)}
        batch.totals.requests[Kind.NAR, CacheStatus.HIT] = 1440
        batch.totals.last_line_at = start
        ledger.add(batch, Position(1, day))
    now = NOON + 365 * DAY

    assert ledger.tally().requests == 365 * 1440
    assert ledger.tally(NOON).requests == 365 * 1440
    assert ledger.tally(now - 59 * DAY).requests == 59 * 1440
    assert ledger.tally(now - 7 * DAY - 900).requests == 7 * 1440 + 15
    assert ledger.tally(now - DAY - 60).requests == 1440 + 1
    assert sum(step.sums.requests for step in ledger.points(Span.MONTH, now - 1)) == 30 * 1440
    assert ledger.asked(now - 3600)["own"].requests == 6
    assert len(ledger.wanted(now - DAY, 5000)) <= 500
    ledger.close()
    assert path.stat().st_size < 3_000_000


def test_a_clock_that_jumps(ledger: Ledger) -> None:
    """Lines of 1970, of next year and of now again are counted, and none drops the others."""
    for moment in (NOON, 61, NOON + 365 * DAY, NOON + 60, 10**14):
        ledger.add(batch_at(moment), None)

    assert ledger.totals().lines == 5
    assert [step.sums.requests for step in ledger.points(Span.HOUR, NOON + 61)][-2:] == [1, 1]
    assert ledger.tally(NOON).requests == 4
    assert len(ledger.points(Span.MONTH, 0)) == 120


def test_wanted_paths_add_up(ledger: Ledger) -> None:
    """Paths are counted by the hour, and told by how often they were asked for."""
    for hour in range(30):
        batch = batch_at(NOON + hour * 3600)
        batch.paths = {"/nar/often": PathCount(2, 20), f"/nar/{hour}": PathCount(1, 1)}
        batch.totals.last_line_at = NOON + hour * 3600
        ledger.add(batch, None)
    now = NOON + 29 * 3600

    assert ledger.wanted(now - DAY, 2)[0] == ("/nar/often", PathCount(50, 500))
    assert len(ledger.wanted(now - 3600, 10)) == 3
    assert len(ledger.wanted(0, 100)) == 27
