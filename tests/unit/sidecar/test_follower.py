"""When a source is read, and what becomes of one that cannot be."""

import logging
from pathlib import Path

import pytest

from passthru.errors import PassthruError
from passthru.sidecar.follower import Follower
from passthru.sidecar.source import LiveFile


def replace(path: Path, text: str) -> None:
    """Put another file in the place of the one there is."""
    beside = path.with_name("beside")
    beside.write_text(text)
    beside.replace(path)


def test_it_is_read_when_it_changes(tmp_path: Path) -> None:
    """Once at the start, once for each file that takes the place or leaves it, and on demand."""
    path, read = tmp_path / "told.json", list[str | None]()
    follower = Follower(LiveFile(path), read.append, unchanged="it stays as it is")
    follower.look()
    follower.look()
    replace(path, "one")
    follower.look()
    follower.look()
    follower.again()
    follower.look()
    path.unlink()
    follower.look()

    assert read == [None, "one", "one", None]


def test_a_fault_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What is refused, and what cannot be read, is logged once for each change, and no more."""
    path = tmp_path / "told.json"
    path.write_text("wrong")

    def refuse(text: str | None) -> None:
        raise PassthruError(f"{text} is nothing")

    follower = Follower(LiveFile(path), refuse, unchanged="it stays as it is")
    with caplog.at_level(logging.ERROR):
        follower.look()
        follower.look()
        path.unlink()
        path.mkdir()
        follower.look()

    assert [line.partition("[")[0] for line in caplog.messages] == [
        "it stays as it is: wrong is nothing",
        "it stays as it is: ",
    ]
