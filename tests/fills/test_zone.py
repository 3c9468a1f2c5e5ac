"""What is found of a key in a zone's directory, whoever has put it there."""

import os
from pathlib import Path

import pytest

from passthru.fills.fill import Fill, Phase
from passthru.fills.zone import Seen, Zone
from tests.fills.stored_file import cache_file
from tests.nginx.conftest import StartCache
from tests.nginx.origin import Origin
from tests.nginx.samples import NAR, noise
from tests.nginx.stored import wait_stored

KEY = "a/nar/x.nar"


@pytest.fixture
def zone(tmp_path: Path) -> Zone:
    """Return an empty zone, with the folders for KEY."""
    made = Zone(str(tmp_path), "1:2")
    Path(made.path(KEY)).parent.mkdir(parents=True)
    return made


def beside(zone: Zone, number: str = "0000000001") -> Path:
    """Return the place of a download of KEY."""
    return Path(f"{zone.path(KEY)}.{number}")


@pytest.mark.core
@pytest.mark.parametrize("path", [NAR, "/nar/a%20b=!~.nar?x=/y&z", "/nar/%C3%BC.nar"])
def test_places_are_nginxs(path: str, cache: StartCache, origin: Origin) -> None:
    """What nginx stores is found by its key, and its head is read as nginx wrote it."""
    origin.files[path] = noise(1000)
    one = cache(origin)
    assert one.get(path).status == 200
    (entry,) = wait_stored(one)
    nar = one.plan.zones.nar
    found = Zone(nar.directory, nar.levels)

    assert found.path(entry.key) == str(entry.path)
    assert found.look(entry.key) == Seen(stored=True)
    fill = Fill.open(str(entry.path), str(entry.path), entry.key)
    assert fill is not None
    assert (fill.head.length, fill.look()) == (1000, (Phase.STORED, 1000))
    assert dict(fill.head.fields).keys() == {"ETag", "Last-Modified"}
    fill.close()


def test_a_download_is_one_as_long_as_it_is_written(zone: Zone) -> None:
    """A file that a process has open for writing grows; one that nobody has is dead."""
    with beside(zone).open("wb") as file:
        file.write(cache_file(KEY, body=b"12345"))
        file.flush()
        seen = zone.look(KEY)
        assert seen.fill is not None
        assert (seen.dead, seen.fill.look()) == (False, (Phase.GROWING, 5))
        assert seen.fill.is_written()

    assert not seen.fill.is_written()
    assert zone.look(KEY) == Seen(dead=True)
    seen.fill.close()


def test_the_end_of_a_download(zone: Zone) -> None:
    """Moved to its place it is stored; removed it is gone, and so is what another file replaced."""
    temporary, final = beside(zone), Path(zone.path(KEY))
    temporary.write_bytes(cache_file(KEY, body=b"12345"))
    fill = Fill.open(str(temporary), str(final), KEY)
    assert fill is not None
    final.write_bytes(b"another")
    assert fill.look()[0] is Phase.GROWING
    temporary.replace(final)
    assert fill.look() == (Phase.STORED, 5)
    final.unlink()
    assert fill.look() == (Phase.GONE, 5)
    fill.close()


def test_the_longest_of_several(zone: Zone) -> None:
    """Of two downloads of one key the one that has more is followed, a dead one never."""
    beside(zone, "0000000003").write_bytes(cache_file(KEY, body=b"1" * 900))
    with beside(zone).open("wb") as short, beside(zone, "0000000002").open("wb") as long:
        short.write(cache_file(KEY, body=b"1"))
        long.write(cache_file(KEY, body=b"12"))
        short.flush()
        long.flush()
        seen = zone.look(KEY)
        assert seen.fill is not None
        assert (seen.dead, seen.fill.have()) == (True, 2)
        seen.fill.close()


def test_a_body_never_has_more_than_its_length(zone: Zone) -> None:
    """What a file has past the end of its body is not sent."""
    beside(zone).write_bytes(cache_file(KEY, body=b"1" * 2000))
    fill = Fill.open(str(beside(zone)), zone.path(KEY), KEY)
    assert fill is not None
    assert fill.have() == 1000
    fill.close()


def test_nothing_else_is_opened(zone: Zone, tmp_path: Path) -> None:
    """No link, no pipe, no folder, no other name and no other content is a download."""
    good = cache_file(KEY, body=b"12345")
    secret = tmp_path / "secret"
    secret.write_bytes(good)
    with secret.open("ab"):
        beside(zone, "0000000001").symlink_to(secret)
        os.mkfifo(beside(zone, "0000000002"))
        beside(zone, "0000000003").mkdir()
        beside(zone, "1").write_bytes(good)
        beside(zone, "0000000004x").write_bytes(good)
        beside(zone, "0000000005").write_bytes(b"garbage")
        beside(zone, "0000000006").write_bytes(cache_file(KEY, start=65535, body_start=65535))
        beside(zone, "0000000007").write_bytes(cache_file("b/nar/x.nar"))
        beside(zone, "0000000008").write_bytes(b"")

        assert zone.look(KEY) == Seen()
    assert zone.look("a/nar/other.nar") == Seen()
    assert Zone("/nonexistent", "1:2").look(KEY) == Seen()


@pytest.mark.parametrize("key", ["", "../../x", "a/nar/\udcff", "a\n", "a\0b", "x" * 5000])
def test_no_key_leads_out(key: str, zone: Zone) -> None:
    """A key becomes sixteen bytes of a hash before it becomes a path."""
    assert zone.path(key).startswith(f"{zone.directory}/")
    assert "/.." not in zone.path(key)
    assert zone.look(key) == Seen()
