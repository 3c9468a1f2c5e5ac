"""How long answers are believed, and that upstreams have no say in it."""

import re
import time

import pytest

from tests.nginx.cache import Cache
from tests.nginx.conftest import MakeOrigin, StartCache
from tests.nginx.origin import Fault, File, Origin
from tests.nginx.samples import DRV, HASH, NAR, NARINFO, narinfo, narinfo_path, noise
from tests.nginx.stored import entries, expire, wait_stored

DAY = 86_400
OTHERS = (f"/{HASH}.ls", f"/log/{DRV}", f"/debuginfo/{'0a' * 20}", f"/build-trace-v2/{DRV}/o.doi")

MEDDLING = {
    "no-store": (("Cache-Control", "no-store, no-cache, private, max-age=0"),),
    "max-age": (("Cache-Control", "public, max-age=1"),),
    "stale-while": (("Cache-Control", "max-age=0, stale-while-revalidate=9, stale-if-error=9"),),
    "expires": (("Expires", "Thu, 01 Jan 1970 00:00:00 GMT"),),
    "pragma": (("Pragma", "no-cache"),),
    "cookie": (("Set-Cookie", "a=b"), ("Set-Cookie", "c=d")),
    "vary": (("Vary", "Accept-Encoding, User-Agent, Cookie"),),
    "vary-all": (("Vary", "*"),),
    "accel-expires": (("X-Accel-Expires", "0"),),
    "accel-redirect": (("X-Accel-Redirect", "/nix-cache-info"),),
    "accel-redirect-health": (("X-Accel-Redirect", "/health"),),
    "accel-redirect-named": (("X-Accel-Redirect", "@nobody"),),
    "accel-buffering": (("X-Accel-Buffering", "no"),),
    "accel-limit": (("X-Accel-Limit-Rate", "1"),),
    "accel-charset": (("X-Accel-Charset", "koi8-r"),),
    "clear": (("Clear-Site-Data", '"*"'),),
    "age": (("Age", "99999999"), ("Date", "Thu, 01 Jan 1970 00:00:00 GMT")),
}

KEPT_BACK = (
    *("Set-Cookie", "Strict-Transport-Security", "Alt-Svc", "Expires", "Pragma", "Vary"),
    *("X-Accel-Expires", "X-Accel-Redirect", "X-Accel-Buffering", "X-Accel-Limit-Rate"),
    *("X-Accel-Charset", "Clear-Site-Data", "Public-Key-Pins", "Refresh", "Link"),
)


@pytest.mark.core
def test_every_kind_is_believed_for_its_time(cache: StartCache, origin: Origin) -> None:
    """A NAR a year, a narinfo its narinfo_ttl, a no its missing_ttl, everything else a week."""
    origin.files = {NARINFO: narinfo(), NAR: b"nar", **dict.fromkeys(OTHERS, b"{}")}
    one = cache(origin, cache={"narinfo_ttl": "5h", "missing_ttl": "90s"})
    for path in (*origin.files, narinfo_path(1), "/nar/lost.nar", f"/{narinfo_path(1)[1:33]}.ls"):
        one.get(path)

    expected = {NARINFO: 5 * 3600, NAR: 365 * DAY} | dict.fromkeys(OTHERS, 7 * DAY)
    for path, seconds in expected.items():
        (entry,) = wait_stored(one, path.replace("+", "[+]"))
        assert entry.status == 200
        assert entry.valid == pytest.approx(seconds, abs=5), path
    assert len(origin.requests) == len(expected) + 3


def test_a_no_is_believed_for_missing_ttl(cache: StartCache, origins: MakeOrigin) -> None:
    """The time of a no comes from the spec in every location, and is not left to the upstream."""
    one = cache(origins(), origins(), origins(), cache={"missing_ttl": "90s"})

    lines = re.findall(r"proxy_cache_valid ((?:\d{3} )+)(\S+);", one.text)

    assert {seconds for codes, seconds in lines if "200" not in codes} == {"90s"}
    assert {codes for codes, _ in lines if "200" not in codes} == {"403 404 410 "}
    keeping = [
        location
        for location in one.text.split("\nlocation ")
        if "proxy_cache_key" in location and "proxy_no_cache 1;" not in location
    ]
    assert len(lines) == 2 * len(keeping) > 0


@pytest.mark.core
@pytest.mark.parametrize("kind", MEDDLING)
def test_no_upstream_header_rules_us(kind: str, cache: StartCache, origin: Origin) -> None:
    """Caching and nginx's own control headers of an upstream change nothing at all."""
    origin.files = {
        path: File(body, headers=MEDDLING[kind])
        for path, body in {NARINFO: narinfo(), NAR: noise(50_000), f"/{HASH}.ls": b"{}"}.items()
    }
    one = cache(origin)

    for path, held in origin.files.items():
        assert isinstance(held, File)
        cold = one.get(path)
        warm = one.get(path, headers=[("User-Agent", "other"), ("Accept-Encoding", "br, gzip")])
        assert (cold.status, cold.body) == (200, held.body), path
        assert (warm.status, warm.body, warm.cache_status) == (200, held.body, "HIT"), path
        assert cold.seconds < 1
        (entry,) = wait_stored(one, path)
        assert entry.valid > DAY - 60
        assert "koi8" not in (cold.get("Content-Type") or "")
        for name in KEPT_BACK:
            assert cold.all(name) == warm.all(name) == [], name


def test_an_upstreams_no_is_not_ruled_either(cache: StartCache, origin: Origin) -> None:
    """A 404 that says it may be kept for a year, or not at all, is believed for missing_ttl."""
    year, never = narinfo_path(1), narinfo_path(2)
    origin.fail(Fault(year, status=404, headers=(("Cache-Control", "max-age=31536000"),)))
    origin.fail(Fault(never, status=404, headers=(("X-Accel-Expires", "0"), ("Vary", "*"))))
    one = cache(origin, cache={"missing_ttl": "1s"})

    statuses = [one.get(path).status for path in (year, never, year, never)]
    asked = len(origin.requests)
    time.sleep(2.1)
    one.get(year)

    assert statuses == [404] * 4
    assert (asked, len(origin.requests)) == (2, 3)


@pytest.mark.core
def test_a_stale_narinfo_is_revalidated_in_the_background(
    cache: StartCache, origin: Origin
) -> None:
    """Past narinfo_ttl the old one is served while a conditional request renews it."""
    origin.files[NARINFO] = narinfo()
    one = cache(origin)
    one.get(NARINFO)
    expire(one)

    stale = one.get(NARINFO)
    asked = origin.wait_for(NARINFO, 2)[1]
    fresh = _get_until(one, NARINFO, "HIT")

    assert (stale.cache_status, stale.body) == ("STALE", narinfo())
    held = File(narinfo())
    assert asked.status == 304
    assert asked.headers["if-none-match"] == held.etag
    assert asked.headers["if-modified-since"] == held.last_modified
    assert (fresh, len(origin.requests)) == (narinfo(), 2)
    assert entries(one)[0].valid > DAY - 60


def test_a_changed_narinfo_replaces_the_old_one(cache: StartCache, origin: Origin) -> None:
    """A narinfo that got another signature is taken over by the background request."""
    origin.files[NARINFO] = narinfo(note="old")
    one = cache(origin)
    one.get(NARINFO)
    expire(one)
    origin.files[NARINFO] = File(narinfo(note="new"), modified=1_710_000_000)

    stale = one.get(NARINFO)
    fresh = _get_until(one, NARINFO, "HIT")

    assert stale.body == narinfo(note="old")
    assert fresh == narinfo(note="new")


def test_a_narinfo_that_was_removed_goes(cache: StartCache, origin: Origin) -> None:
    """When the upstream says no to a stale narinfo, the next request is told so."""
    origin.files[NARINFO] = narinfo()
    one = cache(origin)
    one.get(NARINFO)
    expire(one)
    del origin.files[NARINFO]

    stale = one.get(NARINFO)
    origin.wait_for(NARINFO, 2)
    for _ in range(100):
        gone = one.get(NARINFO)
        if gone.status == 404:
            break

    assert (stale.status, gone.status) == (200, 404)


def test_a_narinfo_is_believed_for_a_day(cache: StartCache, origin: Origin) -> None:
    """The default of narinfo_ttl is a day, and that of missing_ttl 30 seconds."""
    origin.files[NARINFO] = narinfo()
    one = cache(origin)

    one.get(NARINFO)

    assert wait_stored(one)[0].valid == pytest.approx(DAY, abs=5)
    assert "proxy_cache_valid 403 404 410 30s;" in one.text


def _get_until(one: Cache, path: str, status: str) -> bytes:
    for _ in range(200):
        reply = one.get(path)
        if reply.cache_status == status:
            return reply.body
    raise AssertionError(f"never a {status}")
