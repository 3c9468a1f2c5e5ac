"""Logs set aside under a running nginx, and no line of them lost."""

import contextlib
from pathlib import Path

import pytest

from passthru.errors import PassthruError
from passthru.nginx.rotation import KEPT, find_writer, rotate_abandoned, rotate_logs
from passthru.stats.tail import Tail
from tests.nginx.cache import Cache
from tests.nginx.conftest import StartCache
from tests.nginx.origin import Origin
from tests.nginx.samples import NAR
from tests.waiting import eventually


def lines_in(tail: Tail) -> list[str]:
    """Return the paths in the lines that are there to be read."""
    paths: list[str] = []
    idle = 0
    while idle < 2:
        lines = tail.read().lines.decode().splitlines()
        paths += [line.rpartition("\t")[2] for line in lines]
        idle = 0 if lines else idle + 1
    return paths


def wait_for(log: Path, path: str) -> None:
    """Wait until nginx has written the line of a request."""
    assert eventually(lambda: log.exists() and path in log.read_text())


def wait_reopened(one: Cache, log: Path) -> None:
    """Wait until all of nginx writes to the new file: the workers are told after the master."""
    assert one.process is not None
    master = one.process.pid
    told = Path(f"/proc/{master}/task/{master}/children").read_text(encoding="ascii").split()
    for pid in (str(master), *told):
        assert eventually(lambda pid=pid: str(log) in opened(pid))  # type: ignore[misc]


def opened(pid: str) -> set[str]:
    """Return the names of what a process has open."""
    names = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):  # it was closed meanwhile
            names.add(str(link.readlink()))
    return names


@pytest.mark.core
def test_rotations_while_nobody_reads(cache: StartCache, origin: Origin) -> None:
    """As many rotations as files are kept, with no reader: every line is read afterwards, in order."""
    origin.files = {NAR: b"nar"}
    one = cache(origin)
    asked = []
    assert one.process is not None
    for turn in range(KEPT["access.log"]):
        asked.append(f"/nar/{turn}")
        one.get(asked[-1])
        log = Path(one.site.logs, "access.log")
        wait_for(log, asked[-1])
        assert rotate_logs(one.site, one.process.pid, limit=10)
        wait_reopened(one, log)
    one.get("/nar/last")
    one.stop()

    with Tail(f"{one.site.logs}/access.log", linger_seconds=0) as tail:
        assert lines_in(tail) == [*asked, "/nar/last"]


def test_no_more_than_is_kept(cache: StartCache, origin: Origin) -> None:
    """However often it is rotated, the files are no more than these."""
    one = cache(origin)
    assert one.process is not None
    log = Path(one.site.logs, "access.log")
    for turn in range(8):
        one.get(f"/nar/{turn}")
        wait_for(log, f"/nar/{turn}")
        assert rotate_logs(one.site, one.process.pid, limit=10)
        wait_reopened(one, log)

    names = sorted(path.name for path in log.parent.glob("access.log*"))
    assert names == ["access.log", *(f"access.log.{n + 1}" for n in range(KEPT["access.log"]))]
    assert b"/nar/7" in Path(f"{log}.1").read_bytes()
    assert b"/nar/4" in Path(f"{log}.4").read_bytes()


def test_a_log_that_nobody_rotates(cache: StartCache, origin: Origin) -> None:
    """The nginx that writes a log is found by it, and begins a new one."""
    origin.files = {NAR: b"nar"}
    one = cache(origin)
    log = Path(one.site.logs, "access.log")
    one.get(NAR)
    wait_for(log, NAR)

    assert not rotate_abandoned(str(log))
    with log.open("rb"):  # a reader is no writer
        assert find_writer(str(log)) == getattr(one.process, "pid", None)
        assert rotate_abandoned(str(log), limit=10)
    wait_reopened(one, log)
    one.get("/nar/after")
    wait_for(log, "/nar/after")
    assert NAR in Path(f"{log}.1").read_text()


def test_a_log_of_nobody(tmp_path: Path) -> None:
    """A log without a writer that we can see is left alone, and the reader is told what to do."""
    log = tmp_path / "access.log"
    log.write_text("a line")

    with pytest.raises(PassthruError) as caught:
        rotate_abandoned(str(log), limit=3)

    assert "logrotate" in str(caught.value.hint)
    assert log.exists()
