"""What a follower is told of a download that is quick: to read along, or to wait for its end."""

import asyncio
from pathlib import Path

import pytest

from passthru.fills import desk as desks
from passthru.fills.desk import Desk
from passthru.fills.question import Question
from passthru.fills.reply import Instead
from passthru.fills.search import Later
from passthru.fills.settings import Settings
from passthru.fills.watch import Watch
from passthru.fills.zone import Zone
from tests.fills.stored_file import cache_file

KEY = "a/nar/x.nar"
SIZE = 600_000
ANSWER = f"HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n".encode()
STEPS = 60
QUESTION = Question(
    head_only=False,
    keys=(KEY,),
    led="/nar/x.nar",
    otherwise="@nar_1",
    again=None,
    later=(),
    part=None,
    if_range=None,
)


async def decide(home: Path, followers: int) -> list[Watch | Instead | Later]:
    """Have followers ask one after the other during a download of .6 s, and see it stored."""
    zone = Zone(str(home), "1:2")
    final = Path(zone.path(KEY))
    final.parent.mkdir(parents=True)
    path = final.with_name(f"{final.name}.0000000001")
    settings = Settings(
        f"{home}/fills.sock", f"{home}/fills.pid", f"{home}/nginx.sock", zone, patience=9.0
    )
    with path.open("wb", buffering=0) as file:
        file.write(cache_file(KEY, ANSWER))
        desk = Desk(settings)
        asked = [asyncio.create_task(desk.decide(QUESTION)) for _ in range(followers)]
        for _ in range(STEPS):
            file.write(b"x" * (SIZE // STEPS))
            await asyncio.sleep(0.01)
        path.rename(final)
        async with asyncio.timeout(5):
            return list(await asyncio.gather(*asked))


@pytest.mark.parametrize(
    ("capacity", "along"),
    [
        pytest.param(0, 0, id="none"),
        pytest.param(2_000_000, 2, id="two"),
        pytest.param(1 << 40, 4, id="all"),
    ],
)
def test_as_many_read_along_as_this_machine_bears(
    capacity: int, along: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Of those who want a quick download some read along, and nginx serves the others in a moment."""
    monkeypatch.setattr(desks, "_CAPACITY", capacity)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0})
    monkeypatch.setattr(Watch, "speed", lambda _: 1_000_000.0)

    told = asyncio.run(decide(tmp_path, 4))

    reading = [each for each in told if isinstance(each, Watch)]
    assert len(reading) == along
    assert [each for each in told if not isinstance(each, Watch)] == [Instead.OTHERWISE] * (
        4 - along
    )
    assert len({id(each) for each in reading}) <= 1
    assert all(each.readers == along for each in reading)
