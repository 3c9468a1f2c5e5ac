"""How one download is watched for many: until it is stored, gone, dead or given up."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from passthru.fills import search as searching
from passthru.fills import watch as watching
from passthru.fills.fill import Fill, Phase
from passthru.fills.search import Found, Later, Nothing, Sought, search
from passthru.fills.watch import Watch
from passthru.fills.zone import Zone
from tests.fills.stored_file import cache_file

KEY = "a/nar/x.nar"
Change = Callable[[Path, Path], object]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Doubt after hundredths of seconds, where a real one doubts after a second."""
    monkeypatch.setattr(watching, "_QUIET", 0.05)
    monkeypatch.setattr(searching, "_DEAD", 0.05)
    monkeypatch.setattr(searching, "LONGEST", 0.2)
    monkeypatch.setattr(searching, "_UNTOLD", 0.1)


@pytest.fixture
def zone(tmp_path: Path) -> Zone:
    """Return a zone with the folders for KEY."""
    made = Zone(str(tmp_path), "1:2")
    Path(made.path(KEY)).parent.mkdir(parents=True)
    return made


async def watch_until_end(
    zone: Zone, change: Change | None, *, patience: float = 9.0
) -> tuple[Phase, int]:
    """Watch a download of five bytes until `change`, or its writer's death, ended it."""
    final = Path(zone.path(KEY))
    path = final.with_name(f"{final.name}.0000000001")
    with path.open("wb") as file:
        file.write(cache_file(KEY, body=b"12345"))
        file.flush()
        fill = Fill.open(str(path), str(final), KEY)
        assert fill is not None
        watch = Watch(fill, patience=patience, forget=lambda: None)
        watch.join()
        async with asyncio.timeout(5):
            if change is None:
                file.close()
            else:
                change(path, final)
            while watch.phase is Phase.GROWING:
                await watch.change(0.1)
        watch.leave()
    return watch.phase, watch.have


@pytest.mark.parametrize(
    ("change", "phase"),
    [
        pytest.param(Path.rename, Phase.STORED, id="moved"),
        pytest.param(lambda path, _: path.unlink(), Phase.GONE, id="removed"),
        pytest.param(None, Phase.GONE, id="its writer is dead"),
    ],
)
def test_every_download_ends(change: Change | None, phase: Phase, zone: Zone) -> None:
    """What became of it is seen, and how far it had come."""
    assert asyncio.run(watch_until_end(zone, change)) == (phase, 5)


def test_a_download_that_stalls_is_given_up(zone: Zone) -> None:
    """One that is written, but gets no byte for as long as an upstream may be silent."""
    ended = asyncio.run(watch_until_end(zone, lambda *_: None, patience=0.2))

    assert ended == (Phase.GONE, 5)


def found(
    zone: Zone,
    *,
    led: bool | None,
    keys: tuple[str, ...] = (KEY,),
    hangs: bool = False,
    again: bool = False,
) -> Found | Nothing | Later:
    """Search, while nginx says that somebody leads, that nobody does, or nothing."""

    async def is_led() -> bool | None:
        return led

    sought = Sought(keys=keys, any_download=again, hangs=hangs, patience=0.6)
    return asyncio.run(search(zone, sought, is_led))


def test_what_is_stored_is_searched_for_no_longer(zone: Zone) -> None:
    """It is nginx that serves it."""
    Path(zone.path(KEY)).write_bytes(cache_file(KEY))

    assert found(zone, led=True) == Nothing(stored=True)


def test_what_never_begins(zone: Zone) -> None:
    """It is given up when nobody leads, and after a while in any case."""
    assert [found(zone, led=led) for led in (True, False, None)] == [Nothing()] * 3


def test_a_dead_download_tells_of_a_lock(zone: Zone) -> None:
    """As long as nginx believes in a leader; without one there is no lock either."""
    Path(f"{zone.path(KEY)}.0000000001").write_bytes(cache_file(KEY))

    assert found(zone, led=True) == Nothing(dead=True)
    assert found(zone, led=False) == Nothing()


def test_a_later_upstreams_download_is_told_by_its_place(zone: Zone) -> None:
    """A download of the second key is found, but one of the first comes first."""
    keys = ("other", KEY)
    with Path(f"{zone.path(KEY)}.0000000001").open("wb") as file:
        file.write(cache_file(KEY))
        file.flush()
        second = found(zone, led=True, keys=keys, again=True)
        first = found(zone, led=True)

    assert isinstance(first, Found)
    assert isinstance(second, Found)
    assert (second.index, first.index) == (1, 0)
    first.fill.close()
    second.fill.close()


def test_what_a_later_upstream_gave(zone: Zone) -> None:
    """It is taken only where the first upstream is known to hang, or turns out to."""
    place = Path(zone.path("b"))
    place.parent.mkdir(parents=True)
    place.write_bytes(cache_file("b"))
    keys = (KEY, "b")
    began = time.monotonic()

    assert found(zone, led=True, keys=keys, hangs=True) == Later(1, stored=True)
    assert found(zone, led=False, keys=keys) == Nothing(stored=True)
    assert time.monotonic() - began < 0.2
    assert found(zone, led=True, keys=keys) == Later(1, stored=True)
    assert found(zone, led=False, keys=(KEY, "c"), hangs=True) == Nothing()


def test_what_hangs_is_waited_for(zone: Zone) -> None:
    """As long as somebody leads, and another upstream may come after it; not for ever."""
    began = time.monotonic()
    assert found(zone, led=True, keys=(KEY, "b")) == Nothing()
    assert 0.5 < time.monotonic() - began < 5
