"""What the bookkeeper notices beside the lines it counts."""

from pathlib import Path

import pytest

from passthru.stats import bookkeeper
from passthru.stats.bookkeeper import Bookkeeper
from passthru.stats.headline import make_headline
from tests.stats.views import FACTS, view


def test_a_full_disk_of_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests that nginx cannot note are no quiet hour: the headline says that nothing is counted."""
    log = tmp_path / "logs" / "access.log"
    log.parent.mkdir()
    log.touch()
    facts = FACTS.model_copy(update={"access_log": str(log), "state_directory": str(tmp_path)})
    books = Bookkeeper(facts)
    try:
        books.read()
        assert books.log_view().fault is None

        with monkeypatch.context() as patch:
            patch.setattr(bookkeeper, "ROOM_BYTES", 1 << 62)
            books.read()
        full = books.log_view()
        assert full.fault is not None
        assert f"the disk of {log.parent} is full" in full.fault
        assert full.fault in str(make_headline(view(log=full), {}).details)

        books.read()
        assert books.log_view().fault is None
    finally:
        books.close()
