"""When copies are made and taken away."""

import logging
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from passthru.hot.promotion import AT_ONCE, EVERY, REST, Promotion
from passthru.hot.settings import Settings
from passthru.hot.shelf import AFTER, LONGEST
from tests.hot.shelved import shelf_of
from tests.nginx.cache import Cache
from tests.nginx.conftest import StartCache
from tests.nginx.origin import Origin
from tests.nginx.samples import NARINFO, narinfo, narinfo_path
from tests.nginx.stored import expire, wait_stored


@pytest.fixture
def one(cache: StartCache, origin: Origin) -> Cache:
    """Return a cache that has three narinfos."""
    origin.files = {narinfo_path(number): narinfo() for number in range(3)}
    made = cache(origin)
    made.get_all(list(origin.files))
    wait_stored(made, count=3)
    return made


def settings_of(one: Cache, **changes: object) -> Settings:
    """Return what the live rendering says, with a log of our own."""
    log = one.home / "log"
    log.touch()
    return replace(shelf_of(one).settings, log=str(log), **changes)  # type: ignore[arg-type]


def hits(promotion: Promotion, number: int, count: int = 60, name: str = "a") -> None:
    """Log hits of a narinfo."""
    line = f"2\tnow\tGET\t200\tHIT\tnarinfo/{name}\t0.000\t386\t{narinfo_path(number)}\n"
    with Path(promotion.settings.log).open("a", encoding="ascii") as log:
        log.write(line * count)


def misses(promotion: Promotion, count: int) -> None:
    """Log requests for narinfos that nobody has, nor ever asks for again."""
    with Path(promotion.settings.log).open("a", encoding="ascii") as log:
        for number in range(count):
            path = narinfo_path(1000 + number)
            log.write(f"2\tnow\tGET\t404\tMISS\tnarinfo/b\t0.000\t26\t{path}\n")


def copies(one: Cache) -> set[str]:
    """Return the paths of the narinfos that have a copy."""
    return {f"/{path.name}" for path in Path(one.site.hot).rglob("*.narinfo")}


def test_what_is_hot_is_copied_while_it_is(one: Cache) -> None:
    """From fifty hits on; it ends after ten minutes, and comes again, but not by what it was asked itself."""
    settings = settings_of(one)
    stale = Path(settings.root, "1", NARINFO[1:])
    stale.parent.mkdir(parents=True)
    stale.touch()
    promotion = Promotion(settings, 0)
    assert not Path(one.site.hot).exists()

    hits(promotion, 0, 49)
    hits(promotion, 1, 150)
    promotion.look(1)
    assert copies(one) == {narinfo_path(1)}
    hits(promotion, 0, 1)
    promotion.look(1 + EVERY / 2)
    assert copies(one) == {narinfo_path(1)}
    promotion.look(1 + EVERY)
    assert copies(one) == {narinfo_path(0), narinfo_path(1)}

    over = 1 + LONGEST
    hits(promotion, 1)
    promotion.look(over)
    assert copies(one) == {narinfo_path(0)}
    hits(promotion, 1)
    promotion.look(over + EVERY)
    assert copies(one) == set()
    hits(promotion, 1)
    promotion.look(over + AFTER - 1)
    assert copies(one) == set()
    promotion.look(over + AFTER)
    assert copies(one) == set()
    hits(promotion, 1, 1)
    promotion.look(over + AFTER + EVERY)
    assert copies(one) == {narinfo_path(1)}
    promotion.close()
    assert not Path(one.site.hot).exists()


def test_no_more_than_there_may_be(one: Cache) -> None:
    """The most that the spec allows, those that are asked for most; room is filled when there is some."""
    promotion = Promotion(settings_of(one, most=2), 0)
    for number, count in ((0, 60), (1, 50), (2, 70)):
        hits(promotion, number, count)
    promotion.look(1)
    assert copies(one) == {narinfo_path(0), narinfo_path(2)}
    hits(promotion, 1)
    promotion.look(1 + LONGEST)
    assert copies(one) == {narinfo_path(1)}
    assert AT_ONCE > 2


def test_what_is_not_hot_has_a_say(one: Cache) -> None:
    """Where more than three in ten ask for others, nothing is copied; with half of them, all goes."""
    promotion = Promotion(settings_of(one), 0)
    hits(promotion, 0, 60)
    misses(promotion, 27)
    promotion.look(1)
    assert copies(one) == set()
    hits(promotion, 0, 3)
    promotion.look(2)
    assert copies(one) == {narinfo_path(0)}
    misses(promotion, 35)
    promotion.look(3)
    assert copies(one) == {narinfo_path(0)}
    misses(promotion, 2)
    promotion.look(4)
    assert copies(one) == set()
    hits(promotion, 0, 600)
    promotion.look(5)
    assert copies(one) == set()
    hits(promotion, 0, 1)
    promotion.look(4 + AFTER)
    assert copies(one) == {narinfo_path(0)}


def test_what_cannot_be_copied_is_left_alone(one: Cache) -> None:
    """Who is no upstream of ours, what is stale or not there: for a minute, without a word."""
    expire(one, narinfo_path(1))
    promotion = Promotion(settings_of(one), 0)
    hits(promotion, 0, name="lan")
    hits(promotion, 1)
    hits(promotion, 7)
    promotion.look(1)
    assert copies(one) == set()
    hits(promotion, 0)
    promotion.look(REST)
    assert copies(one) == set()
    hits(promotion, 0)
    promotion.look(1 + REST)
    assert copies(one) == {narinfo_path(0)}


def test_trouble_is_told_once(one: Cache, caplog: pytest.LogCaptureFixture) -> None:
    """Where copies cannot be written there are none, and it tries again; one line tells of it."""
    promotion = Promotion(settings_of(one), 0)
    blocked = Path(one.site.hot)
    blocked.touch()
    with caplog.at_level(logging.WARNING):
        for moment in (1, 2, 1 + REST):
            hits(promotion, 0)
            promotion.look(moment)
    assert [record.message[:36] for record in caplog.records] == [
        "no narinfos are copied for a minute:"
    ]
    blocked.unlink()
    hits(promotion, 0)
    promotion.look(1 + 2 * REST)
    assert copies(one) == {narinfo_path(0)}
    shutil.rmtree(blocked)
    promotion.look(2 + 2 * REST)
    hits(promotion, 0)
    promotion.look(3 + 2 * REST)
    assert copies(one) == {narinfo_path(0)}
