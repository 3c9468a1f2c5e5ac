"""Which stored narinfos are copied, and for how long."""

import gzip
import os
import stat
import time
from pathlib import Path

import pytest

from passthru.cache.copies import clear_copies, copies_of, remove_copies
from passthru.cache.place import file_path
from passthru.errors import FormatError, PassthruError
from passthru.hot.answer import LONGEST, read_answer, rewrite
from passthru.hot.settings import parse_settings
from passthru.hot.shelf import LONGEST as LIFE
from passthru.hot.shelf import Shelf
from passthru.nginx.stored import remove_stored
from tests.hot.shelved import AT_ONCE, promote, shelf_of
from tests.nginx.conftest import StartCache
from tests.nginx.fault import Fault, Framing
from tests.nginx.origin import File, Origin
from tests.nginx.samples import NARINFO, narinfo, narinfo_path
from tests.nginx.stored import expire, wait_stored

LATER = ("Last-Modified", "Sat, 01 Jan 2022 00:00:00 GMT")


def test_what_is_copied(cache: StartCache, origin: Origin) -> None:
    """What is whole, fresh, small and not encoded; with modes for nginx alone to read it."""
    encoded = File(gzip.compress(narinfo()), headers=(("Content-encoding", "gzip"),))
    origin.files = {
        narinfo_path(1): File(narinfo(), headers=(LATER,)),
        narinfo_path(2): narinfo(),
        narinfo_path(3): encoded,
        narinfo_path(4): narinfo() + b"x" * LONGEST,
        narinfo_path(5): narinfo(),
        narinfo_path(6): narinfo(),
    }
    origin.fail(Fault(narinfo_path(2), framing=Framing.CHUNKED, without=("Last-Modified",)))
    one = cache(origin)
    for target in origin.files:
        one.get(target)
    wait_stored(one, count=6)
    expire(one, narinfo_path(5))
    [cut] = wait_stored(one, narinfo_path(6))
    os.truncate(cut.path, cut.path.stat().st_size - 1)
    shelf, clock = shelf_of(one), time.time()

    def is_copied(target: str, name: str = "a", ahead: float = 0) -> bool:
        return shelf.add(name, target, now=0, clock=clock + ahead)

    assert [is_copied(narinfo_path(n)) for n in range(8)] == [False, True, True, *[False] * 5]
    assert not is_copied(narinfo_path(1), "b")
    assert not is_copied(narinfo_path(1), ahead=86400 - 4)
    [first], [second] = (copies_of(one.site.hot, narinfo_path(n)) for n in (1, 2))
    facts = Path(first).stat()
    assert int(facts.st_mtime) == 1640995200
    assert stat.S_IMODE(facts.st_mode) == 0o644
    assert abs(Path(second).stat().st_mtime - clock) < 5
    for place in (one.site.hot, shelf.settings.root, Path(first).parent):
        assert stat.S_IMODE(Path(place).stat().st_mode) == 0o755
    assert len([*Path(first).parent.iterdir()]) == 2


def test_a_copy_ends_in_time(cache: StartCache, origin: Origin) -> None:
    """After ten minutes, or when what it was made of is stale; the rest stays."""
    origin.files = {narinfo_path(n): narinfo() for n in range(2)}
    one = cache(origin, cache={"narinfo_ttl": "300s"})
    shelf = promote(one, "a", narinfo_path(0))
    one.apply({"cache": {"narinfo_ttl": "1h"}})
    promote(one, "a", narinfo_path(1), shelf=shelf)
    now = time.monotonic()

    assert shelf.expire(now + 295) == []
    assert shelf.expire(now + 300) == [narinfo_path(0)]
    assert shelf.expire(now + LIFE - 5) == []
    assert copies_of(one.site.hot, narinfo_path(0)) == ()
    assert shelf.has(narinfo_path(1))
    assert shelf.expire(now + LIFE + 1) == [narinfo_path(1)]
    assert len(shelf) == 0


def test_what_is_purged_meanwhile_is_not_copied(
    cache: StartCache, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A purge between reading and the copy's being there leaves none; nor does one before."""
    origin.files[NARINFO] = narinfo()
    one = cache(origin, swaps=AT_ONCE)
    one.get(NARINFO)
    wait_stored(one)
    shelf, replace = shelf_of(one), os.replace
    shelf.recover()

    def purge_first(old: str, new: str) -> None:
        remove_stored(one.plan.zones.metadata, f"a{NARINFO}")
        assert remove_copies(one.site.hot, NARINFO) == 0
        replace(old, new)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", purge_first)
        assert not shelf.add("a", NARINFO, now=0, clock=time.time())
    assert not shelf.add("a", NARINFO, now=0, clock=time.time())
    assert copies_of(one.site.hot, NARINFO) == ()
    assert not shelf.has(NARINFO)
    assert one.get(NARINFO).cache_status == "MISS"


def test_a_directory_that_was_removed_is_made_again(cache: StartCache, origin: Origin) -> None:
    """All copies are forgotten then, and made anew when they are asked for."""
    origin.files[NARINFO] = narinfo()
    one = cache(origin)
    shelf = promote(one, "a", NARINFO)
    Path(one.site.hot, "notes").touch()
    shelf.recover()
    assert shelf.has(NARINFO)
    clear_copies(one.site.hot)
    assert [path.name for path in Path(one.site.hot).iterdir()] == ["notes"]
    with pytest.raises(FileNotFoundError):
        shelf.add("a", NARINFO, now=0, clock=time.time())
    shelf.recover()

    assert not shelf.has(NARINFO)
    assert shelf.add("a", NARINFO, now=0, clock=time.time())
    assert shelf.expire(1e9) == [NARINFO]
    assert [path.name for path in Path(one.site.hot).iterdir()] == ["notes"]


def test_another_rendering_has_others(cache: StartCache, origin: Origin) -> None:
    """What is written into copies names their directory, and the first one clears all others."""
    origin.files[NARINFO] = narinfo()
    one = cache(origin)
    old = promote(one, "a", NARINFO).settings.root
    one.apply({"upstreams": [{"url": origin.url, "name": "other"}]})
    new = promote(one, "other", NARINFO).settings.root

    assert new != old
    assert not Path(old).exists()
    assert Path(new).is_dir()


def test_only_files_of_ours_are_cleared(tmp_path: Path) -> None:
    """No link is followed, and nothing goes that is not named as a copy."""
    elsewhere, shelf = tmp_path / "elsewhere", tmp_path / "hot/0123abcd/1"
    elsewhere.mkdir()
    shelf.mkdir(parents=True)
    kept = [elsewhere / NARINFO[1:], shelf / "x", tmp_path / "hot/x.narinfo"]
    for path in (*kept, shelf / NARINFO[1:], shelf / f"{NARINFO[1:]}.new"):
        path.touch()
    (tmp_path / "hot/0123abcd/2").symlink_to(elsewhere)
    (tmp_path / "hot/deadbeef").symlink_to(tmp_path / "hot/0123abcd")
    (shelf / narinfo_path(1)[1:]).mkdir()
    clear_copies(str(tmp_path / "hot"))

    assert all(path.exists() for path in kept)
    assert sorted(path.name for path in shelf.iterdir()) == [narinfo_path(1)[1:], "x"]
    clear_copies(str(tmp_path / "none"))


def test_no_answer_is_believed() -> None:
    """What is none of nginx's files is refused, whatever it holds."""
    for data in (b"", b"x" * 1000, narinfo()):
        with pytest.raises(FormatError):
            read_answer(data, f"a{NARINFO}")


def test_each_replacement_is_made_once() -> None:
    """The first of each kind, wherever it stands; what was replaced is not looked at again."""
    pairs = [("URL: nar/", "URL: nar/~b/"), ("URL: https://", "URL: nar/~b/~/https/")]
    body = b"URL: nar/0\nurl: https://x\nURL: nar/1\nURL: nar/2\nURL: https://y\n"

    assert rewrite(body, pairs) == (
        b"URL: nar/0\nURL: nar/~b/~/https/x\nURL: nar/~b/1\nURL: nar/2\nURL: https://y\n"
    )
    assert rewrite(body, []) == body


def test_settings(tmp_path: Path) -> None:
    """What passthru made is read, and all else is refused."""
    for text in ("", "{}", "[]", '{"upstreams": 3}'):
        with pytest.raises(PassthruError):
            parse_settings(text)
    text = (
        f'{{"directory": "{tmp_path}/hot", "root": "{tmp_path}/hot/0123abcd", "most": 2, "log": "/l",'
        ' "zone": "/z", "levels": "1:2", "upstreams": [{"name": "a", "rewrites": [["x", "y"]]}]}'
    )
    settings = parse_settings(text)

    assert settings.upstreams[0].rewrites == (("x", "y"),)
    assert settings.stored("k") == file_path("/z", "1:2", "k")
    with pytest.raises(PassthruError):
        parse_settings(text.replace("1:2", "x"))
    assert not Shelf(settings).add("a", NARINFO, now=0, clock=0)
