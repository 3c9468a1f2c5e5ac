"""What the exporter looks up beside the log, each with what it may meet."""

import json
import socket
from pathlib import Path

import pytest

from passthru.errors import ListenError, PassthruError
from passthru.sidecar.own_socket import listening
from passthru.stats.facts import FactsFile
from passthru.stats.filling import FillView, FillWatch
from passthru.stats.last_apply import read_last_apply
from passthru.stats.neighbours import MOST, read_neighbours
from passthru.stats.probe import QUIET_SECONDS, Probes
from passthru.stats.stub_status import NginxFigures, parse_figures
from passthru.stats.zone_scan import scan_zone
from tests.fills.stored_file import cache_file
from tests.stats.views import FACTS

MD5 = "0123456789abcdef" * 2
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"


def store(zone: Path, name: str, body: bytes) -> Path:
    """Put a file where nginx does: two levels down."""
    folder = zone / name[-1] / name[-3:-1]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(body)
    return folder / name


def test_nginx_figures() -> None:
    """The four lines of stub_status, and nothing that only looks like them."""
    text = (
        b"Active connections: 5 \nserver accepts handled requests\n 11 11 42 \n"
        b"Reading: 1 Writing: 2 Waiting: 3 \n"
    )

    assert parse_figures(text) == NginxFigures(5, 1, 2, 3, 42)
    assert parse_figures(b"not a path of a Nix binary cache\n") is None


def test_a_walk_counts_what_is_stored(tmp_path: Path) -> None:
    """Blocks on disk of files under their own name; neither temporary files nor strangers."""
    stored = store(tmp_path, MD5, b"x" * 10_000)
    store(tmp_path, f"{MD5}.0000000001", b"x" * 10_000)
    store(tmp_path, "lost+found", b"x")
    rests: list[float] = []

    def pause(seconds: float) -> bool:
        rests.append(seconds)
        return True

    found = scan_zone(str(tmp_path), pause=pause)

    assert found is not None
    assert (found.files, found.used_bytes) == (1, stored.stat().st_blocks * 512)
    assert len(rests) == 3


def test_a_walk_that_cannot_be_or_is_stopped(tmp_path: Path) -> None:
    """A directory that is not there is not an empty one, and a stop is a stop."""
    store(tmp_path, MD5, b"")

    assert scan_zone(f"{tmp_path}/nothing") is None
    assert scan_zone(str(tmp_path), pause=lambda _seconds: False) is None


def test_downloads_in_flight(tmp_path: Path) -> None:
    """A temporary file is one from its first sight to its end, with the length that was promised."""
    watch = FillWatch(str(tmp_path))
    path = store(tmp_path, f"{MD5}.0000000007", cache_file("a/nar/x", ANSWER, b"x" * 100))
    now = path.stat().st_mtime
    assert [(f.bytes_so_far, f.total_bytes) for f in watch.look(now)] == [(100, 5000)]

    with path.open("ab") as file:
        file.write(b"x" * 50)
    [fill] = watch.look(now + 100)  # nothing was made in the folder since
    assert fill == FillView(150, 5000, fill.started_at, "/nar/x")

    path.rename(path.with_name(MD5))
    assert watch.look(now + 200) == ()


def test_downloads_of_which_little_is_known(tmp_path: Path) -> None:
    """Without a length it has none, and one that just began has no byte yet."""
    answer = ANSWER.replace(b"Content-Length", b"X")
    store(tmp_path, f"{MD5}.0000000001", cache_file("a/nar/x", answer))
    store(tmp_path, f"{MD5}.0000000002", b"\x05half a head")
    store(tmp_path, f"{MD5}.new", b"")

    found = FillWatch(str(tmp_path)).look(tmp_path.stat().st_mtime)

    assert [(f.bytes_so_far, f.total_bytes) for f in found] == [(0, None), (12, None)]


def test_probes_are_for_the_idle() -> None:
    """Nobody is probed whom clients asked lately; the others in turn, each at its own moment."""
    probes = Probes()
    assert probes.due(("a", "b"), {}, 1000.0) == []
    assert set(probes.due(("a", "b"), {}, 1010.0)) == {"a", "b"}
    assert probes.due(("a", "b"), {"a": 1005.0}, 1010.0) == ["b"]
    probes.note("b", 200, 0.25, 1010.0)
    assert probes.last["b"].seconds == 0.25
    assert probes.due(("a", "b"), {"a": 1005.0}, 1010.0 + QUIET_SECONDS * 0.79) == []
    assert "b" in probes.due(("a", "b"), {"a": 1300.0}, 1010.0 + QUIET_SECONDS * 1.21)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (200, None),
        (404, None),
        (502, "no connection"),
        (503, "answered 503"),
        (504, "no answer in time"),
        (None, "nginx did not answer for it"),
    ],
)
def test_what_a_probe_means(status: int | None, error: str | None) -> None:
    """A "no" is an answer; everything from 500 on is none."""
    probes = Probes()
    probes.note("a", status, 0.1, 1.0)

    assert probes.last["a"].error == error
    assert (probes.succeeded.get("a", 0), probes.failed.get("a", 0)) == (not error, bool(error))


def test_facts_are_read_when_they_change(tmp_path: Path) -> None:
    """Once for each file that takes the place; a missing one says nothing, a wrong one its fault."""
    file = FactsFile(tmp_path / "facts.json")
    assert file.changed() is None
    file.path.write_text(FACTS.model_dump_json())
    assert file.changed() == FACTS
    assert file.changed() is None
    beside = tmp_path / "new"
    beside.write_text('{"generation": 1}')
    beside.replace(file.path)
    with pytest.raises(PassthruError, match="not what this version"):
        file.changed()
    assert file.changed() is None


def test_neighbours_are_not_believed(tmp_path: Path) -> None:
    """What is no neighbour is left out, what is too long too, and there are at most MOST."""
    good = {"name": "n", "url": "http://n.local", "priority": 30, "storeDir": "/nix/store"}
    path = tmp_path / "neighbours.json"
    wrong = [{}, 7, {**good, "url": "javascript:x"}, {**good, "name": "n" * 999}]
    path.write_text(json.dumps([*wrong, {**good, "ourselves": True}, *[good] * 99]))

    found = read_neighbours(path)

    assert len(found) == MOST - len(wrong)
    assert (found[0].ourselves, found[0].healthy, found[0].priority) == (True, None, 30)
    assert read_neighbours(tmp_path / "nothing") == ()
    path.write_text("[")
    assert read_neighbours(path) == ()


def test_the_last_change(tmp_path: Path) -> None:
    """A record that cannot be read says nothing."""
    path = tmp_path / "last-apply.json"
    assert read_last_apply(path) is None
    path.write_text("{}")
    assert read_last_apply(path) is None
    path.write_text(
        '{"version":1,"at":2.5,"successful":false,"generation":null,"succeeded_at":1,"error":"no"}'
    )
    found = read_last_apply(path)
    assert found is not None
    assert (found.successful, found.succeeded_at, found.error) == (False, 1, "no")


def test_the_socket_is_taken_over(tmp_path: Path) -> None:
    """The next one takes the place without a gap, and the end of the old one does not remove it."""
    path = str(tmp_path / "s")
    with listening(path):
        assert Path(path).stat().st_mode & 0o777 == 0o666
        with listening(path) as second:
            client = socket.socket(socket.AF_UNIX)
            client.connect(path)
            second.listener.accept()[0].close()
            client.close()
        assert not Path(path).exists()
    with (
        pytest.raises(ListenError, match="no such file") as caught,
        listening(str(tmp_path / "no" / "s")),
    ):
        pass
    assert "start it again" in str(caught.value.hint)
