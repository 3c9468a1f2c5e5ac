"""What of the log is looked at, and what counts as hot."""

import os
from pathlib import Path

import pytest

from passthru.hot.demand import WORTH, Demand
from passthru.hot.sample import LARGEST, Log, Sample
from tests.nginx.samples import NAR, NARINFO, narinfo_path

PATH = NARINFO.encode()


def line(
    path: str = NARINFO,
    *,
    method: str = "GET",
    status: str = "200\tHIT",
    turn: str = "narinfo/a",
    seconds: str = "0.000",
    more: str = "",
) -> bytes:
    """Return one line of the log."""
    return f"2\t2026-01-01T00:00:00+00:00\t{method}\t{status}\t{turn}\t{seconds}\t386{more}\t{path}\n".encode()


def counted(*lines: bytes) -> dict[tuple[bytes, bytes], float]:
    """Return what some lines count for."""
    return Demand(0).add(Sample(b"".join(lines), 1))


def test_hits_are_counted() -> None:
    """Each as many times as it stands for, by upstream and path."""
    demand = Demand(0)
    demand.add(Sample(line() + line() + line(turn="narinfo/b-2"), 10))

    assert demand.add(Sample(line(), 2.5)) == {(b"a", PATH): 22.5}
    assert demand.add(Sample(line(turn="narinfo/b-2"), 1)) == {(b"b-2", PATH): 11}


@pytest.mark.parametrize(
    "text",
    [
        line(method="HEAD"),
        line(status="206\tHIT"),
        line(status="304\tHIT"),
        line(status="200\tSTALE"),
        line(status="200\tMISS"),
        line(turn="nar/a"),
        line(NAR),
        line(NAR, turn="nar/a"),
        line(f"{NARINFO}?x"),
        line(f"/1{NARINFO}"),
        line(more="\tHTTP/1.1\t95\t404\t0.000\t0.001\t0.001\t591\t|narinfo/a MISS=404"),
        line(seconds="1.000"),
        line(seconds="12.345"),
        line().replace(b"2\t", b"1\t", 1),
        line()[1:],
        line()[:-2] + b"\n",
        line()[:-1] + b"\r\n",
        b"\xff" * 100 + b"\n",
    ],
)
def test_nothing_else_is_counted(text: bytes) -> None:
    """Only what came out of the cache whole, at once and without asking anybody is worth a copy."""
    assert counted(text) == {}
    assert counted(text + line()) == {(b"a", PATH): 1}


def test_a_count_is_of_about_a_minute() -> None:
    """A hit a second comes to 50 within a minute and stays there; one in three seconds does not."""
    for every, is_worth in ((1, True), (3, False)):
        demand, most = Demand(0), 0.0
        for second in range(600):
            demand.age(second)
            if second % every == 0:
                most = max(demand.add(Sample(line(), 1)).values())
        assert (most >= WORTH) == is_worth
        assert most < 2 * 60 / every + 2


def test_what_is_not_asked_for_is_forgotten() -> None:
    """However many there were, and however large: what is held has a bound."""
    demand = Demand(0)
    for first in range(0, 20_000, 500):
        lines = b"".join(line(narinfo_path(number)) for number in range(first, first + 500))
        demand.age(0)
        demand.add(Sample(lines + line(), 1))
    assert len(demand) <= 10_500
    assert demand.add(Sample(line(), 1)) == {(b"a", PATH): 41}
    demand.age(3600)
    assert len(demand) == 0


def test_a_sample_is_the_newest_of_what_came(tmp_path: Path) -> None:
    """What was there at first is none of it, nor what was looked at; and it is never large."""
    path = tmp_path / "log"
    path.write_bytes(b"old\n" * 100)
    log = Log(str(path))
    assert log.sample().data == b""
    with path.open("ab") as file:
        file.write(b"new\n")
    assert log.sample() == Sample(b"new\n", 1.0)
    assert log.sample().data == b""
    with path.open("ab") as file:
        file.write(b"x" * LARGEST * 3 + b"y" * LARGEST)
    assert log.sample() == Sample(b"y" * LARGEST, 4.0)


def test_a_log_that_is_rotated(tmp_path: Path) -> None:
    """Another file is read from its beginning, and so is one that was emptied; none at all is empty."""
    path = tmp_path / "log"
    path.write_bytes(b"first\n")
    log = Log(str(path))
    log.sample()
    path.rename(tmp_path / "log.1")
    assert log.sample().data == b""
    path.write_bytes(b"second\n")
    assert log.sample().data == b"second\n"
    path.write_bytes(b"3\n")
    assert log.sample().data == b"3\n"
    path.unlink()
    os.mkfifo(path)
    assert log.sample().data == b""
    path.unlink()
    path.mkdir()
    assert log.sample().data == b""
