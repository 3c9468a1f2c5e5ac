"""Following a log that is written, renamed, copied, emptied and broken."""

import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from passthru.stats.tail import Chunk, Tail


class Clock:
    """A clock that stands still until it is told."""

    now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


class Follower:
    """A tail that starts anew as often as one likes, from the position it kept."""

    def __init__(self, path: Path, **settings: int) -> None:
        self.path, self.settings = path, settings
        self.clock = Clock()
        self.position = Chunk(b"", None).position
        self.overlong = 0
        self.tail = Tail(str(path))
        self.start()

    def start(self) -> None:
        """Begin as a process that was killed does."""
        self.tail.close()
        self.tail = Tail(str(self.path), self.position, clock=self.clock, **self.settings)

    def step(self) -> Chunk:
        """Read once, and keep the position."""
        chunk = self.tail.read()
        self.position = chunk.position
        self.overlong += chunk.overlong
        return chunk

    def all(self) -> list[str]:
        """Read until nothing comes any more, however long one waits."""
        lines: list[str] = []
        idle = 0
        while idle < 20:
            before = self.position
            chunk = self.step()
            lines += chunk.lines.decode().splitlines()
            idle = 0 if chunk.lines or chunk.position != before else idle + 1
            self.clock.now += 2
        return lines


Follow = Callable[..., Follower]


@pytest.fixture
def follow() -> Iterator[Follow]:
    """Return what makes followers of a log."""
    made = []

    def make(path: Path, **settings: int) -> Follower:
        made.append(Follower(path, **settings))
        return made[-1]

    yield make
    for reader in made:
        reader.tail.close()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Return where the log is."""
    return tmp_path / "access.log"


def write(path: Path, *lines: str, end: str = "\n") -> None:
    """Append lines."""
    with path.open("a") as file:
        file.write("\n".join(lines) + end)


def test_what_is_written_is_read_once(follow: Follow, log: Path) -> None:
    """Lines come once, in order, also across restarts."""
    reader = follow(log)
    write(log, "a", "b")
    assert reader.all() == ["a", "b"]
    write(log, "c")
    reader.start()
    assert reader.all() == ["c"]
    reader.start()
    assert reader.all() == []


def test_no_log_yet(follow: Follow, log: Path) -> None:
    """Before nginx made it, there is nothing to read and nothing wrong."""
    reader = follow(log)
    assert reader.step() == Chunk(b"", None)
    write(log, "a")
    assert reader.all() == ["a"]


def test_a_half_line_waits(follow: Follow, log: Path) -> None:
    """The end of a line may come later, and after a restart."""
    reader = follow(log)
    write(log, "a", "b", end="")
    assert reader.all() == ["a"]
    assert reader.step().behind_bytes == 1
    reader.start()
    write(log, "c")
    assert reader.all() == ["bc"]


def test_a_renamed_log_is_finished_first(follow: Follow, log: Path) -> None:
    """Workers write to the old file until they reopen; then the new one is read from its start."""
    reader = follow(log)
    write(log, "a")
    assert reader.all() == ["a"]
    aside = log.rename(f"{log}.1")
    write(aside, "b")
    assert reader.all() == ["b"]
    write(log, "d")
    assert reader.step().lines == b""
    write(aside, "c")
    assert reader.step().lines == b"c\n"
    assert reader.all() == ["d"]


def test_rotations_while_we_were_down(follow: Follow, log: Path) -> None:
    """However often it was renamed, each file is finished in its turn."""
    reader = follow(log)
    write(log, "a")
    assert reader.all() == ["a"]
    for number in range(3):
        write(log, f"b{number}")
        for older in (2, 1):
            if Path(f"{log}.{older}").exists():
                Path(f"{log}.{older}").rename(f"{log}.{older + 1}")
        log.rename(f"{log}.1")
    write(log, "c")
    reader.start()
    assert reader.all() == ["b0", "b1", "b2", "c"]


def test_names_with_dates_and_compressed_ones(follow: Follow, log: Path) -> None:
    """Logs that another rotates are found by date; what is compressed cannot be read again."""
    write(log, "a")
    log.rename(f"{log}-20261119")
    write(log, "b")
    log.rename(f"{log}-20261120")
    write(log, "c")
    write(Path(f"{log}-20261118.gz"), "no")
    write(Path(f"{log}.corrupt"), "no")
    write(log.with_name("error.log"), "no")
    assert follow(log).all() == ["a", "b", "c"]


@pytest.mark.parametrize("restart", [False, True])
def test_copied_and_truncated(follow: Follow, log: Path, *, restart: bool) -> None:
    """What was written before the copy and not read is found in the copy, and nothing is read twice."""
    reader = follow(log)
    write(log, "a")
    assert reader.all() == ["a"]
    write(log, "b")
    shutil.copy(log, f"{log}.1")
    os.truncate(log, 0)
    write(log, "c", "dddddddd")
    if restart:
        reader.start()
    assert reader.all() == ["b", "c", "dddddddd"]


@pytest.mark.parametrize("restart", [False, True])
def test_truncated(follow: Follow, log: Path, *, restart: bool) -> None:
    """An emptied log is read from its start, and older files are not read again."""
    write(log, "a")
    log.rename(f"{log}.1")
    write(log, "b")
    reader = follow(log)
    assert reader.all() == ["a", "b"]
    os.truncate(log, 0)
    write(log, "c", "dd")
    if restart:
        reader.start()
    assert reader.all() == ["c", "dd"]


def test_a_new_file_of_the_same_inode(follow: Follow, log: Path) -> None:
    """An inode given to another file does not hide the other's first lines."""
    reader = follow(log)
    write(log, "a")
    reader.all()
    assert reader.position is not None
    log.write_text("x\ny\nz\n")  # in place, so of the same inode
    assert log.stat().st_ino == reader.position.inode
    reader.start()
    assert reader.all() == ["x", "y", "z"]


def test_removed_and_made_anew(follow: Follow, log: Path) -> None:
    """What was removed unread is lost; the next file is read whole."""
    reader = follow(log)
    write(log, "a")
    reader.all()
    log.unlink()
    assert reader.all() == []
    write(log, "b")
    assert reader.all() == ["b"]


def test_the_half_line_of_a_finished_file(follow: Follow, log: Path) -> None:
    """What nobody will complete is given as it is, for somebody to count it."""
    reader = follow(log)
    write(log, "a", "hal", end="")
    assert reader.all() == ["a"]
    log.rename(f"{log}.1")
    write(log, "b")
    assert reader.all() == ["hal", "b"]


@pytest.mark.parametrize("restart", [False, True])
def test_an_overlong_line(follow: Follow, log: Path, *, restart: bool) -> None:
    """A line longer than a chunk is passed over and counted once, however it arrives."""
    reader = follow(log, chunk_bytes=1000)
    write(log, "a", "x" * 300_000, end="")
    assert reader.all() == ["a"]
    if restart:
        reader.start()
    write(log, "x" * 300_000, "b")
    assert reader.all() == ["b"]
    assert reader.overlong == 1


def test_an_overlong_line_without_end(follow: Follow, log: Path) -> None:
    """It is counted when its file is finished."""
    reader = follow(log, chunk_bytes=1000)
    write(log, "x" * 5000, end="")
    assert reader.all() == []
    log.rename(f"{log}.1")
    write(log, "b")
    assert reader.all() == ["b"]
    assert reader.overlong == 1


def test_large_logs_come_in_pieces(follow: Follow, log: Path) -> None:
    """No more than a chunk is held at once, and what is still to come is told."""
    lines = [f"{number:06}" for number in range(1000)]
    write(log, *lines)
    reader = follow(log, chunk_bytes=700)
    first = reader.step()
    assert len(first.lines) == 700
    assert first.behind_bytes == 6300
    assert first.lines.decode().splitlines() + reader.all() == lines


def test_a_disk_that_does_not_read(
    follow: Follow, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error is told, and reading goes on where it was when it is over."""
    reader = follow(log)
    write(log, "a")
    reader.all()
    write(log, "b")

    def broken(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pread", broken)
        chunk = reader.step()
    assert chunk.fault == f"cannot read {log}: Input/output error"
    assert chunk.lines == b""
    assert reader.all() == ["b"]


def test_a_directory_that_is_gone(follow: Follow, log: Path) -> None:
    """A missing directory is an error value, too."""
    reader = follow(log.parent / "gone" / "access.log")
    assert "No such file" in (reader.step().fault or "")


def rotate(log: Path, *, copy: bool) -> None:
    """Set the log aside as rotating programs do."""
    if not log.exists() or not log.stat().st_size:
        return
    for older in range(8, 0, -1):
        if Path(f"{log}.{older}").exists():
            Path(f"{log}.{older}").rename(f"{log}.{older + 1}")
    if copy:
        shutil.copy2(log, f"{log}.1")
        os.truncate(log, 0)
    else:
        log.rename(f"{log}.1")


@pytest.mark.parametrize("seed", range(30))
def test_whatever_happens_in_turn(follow: Follow, log: Path, seed: int) -> None:
    """Under any order of writes, renames, copies and restarts each line is read once, in order."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    reader = follow(log, chunk_bytes=64)
    copying = chance.random() < 0.5
    written: list[str] = []
    read: list[str] = []

    for step in range(60):
        match chance.randrange(8):
            case 0 if step % 4 == 0:
                rotate(log, copy=copying)
            case 1:
                reader.start()
            case 2 | 3:
                read += reader.step().lines.decode().splitlines()
            case 4:
                reader.clock.now += 2
            case _:
                written.append(f"{len(written)}-{chance.random()}")
                write(log, written[-1])

    assert read + reader.all() == written
