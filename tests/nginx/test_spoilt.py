"""Answers that must not be kept."""

import pytest

from tests.nginx.client import exchange, request_bytes
from tests.nginx.conftest import StartCache
from tests.nginx.origin import Fault, Framing, Origin
from tests.nginx.samples import DRV, HASH, NAR, NARINFO, narinfo, noise
from tests.nginx.stored import entries, expire

BODY = noise(200_000)
HTML = (("Content-Type", "text/html; charset=utf-8"),)

CUTS = {
    "length": Fault(cut=80_000),
    "chunked": Fault(cut=80_000, framing=Framing.CHUNKED),
    "close": Fault(cut=80_000, framing=Framing.CLOSE),
    "reset": Fault(reset=80_000),
    "reset chunked": Fault(reset=80_000, framing=Framing.CHUNKED),
    "nothing": Fault(cut=0),
    "nothing chunked": Fault(cut=0, framing=Framing.CHUNKED),
    "nothing close": Fault(cut=0, framing=Framing.CLOSE),
    "last byte": Fault(cut=len(BODY) - 1),
}


@pytest.mark.core
@pytest.mark.parametrize("kind", CUTS)
def test_a_cut_nar_is_not_stored(kind: str, cache: StartCache, origin: Origin) -> None:
    """However a NAR is cut short and however its end is told, the next client gets it whole."""
    origin.files[NAR] = BODY
    origin.fail(CUTS[kind])
    one = cache(origin)

    broken = one.get(NAR)
    origin.heal()
    healed, warm = one.get(NAR), one.get(NAR)

    assert broken.body != BODY
    assert "close" in kind or not broken.whole or broken.status >= 500
    assert (healed.body, healed.cache_status) == (BODY, "MISS")
    assert (warm.body, warm.cache_status) == (BODY, "HIT")


@pytest.mark.core
@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=200, body=b"<html>please log in</html>", headers=HTML),
        Fault(status=200, body=b"", headers=(("Content-Type", "text/x-nix-narinfo"),)),
        Fault(status=200, body=b"", headers=HTML),
        Fault(raw=b"220 mail.test ESMTP\r\n\r\n"),
        Fault(raw=b"HTTP/1.0 200 OK\r\n\r\nStorePath: /nix/st"),
        Fault(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nStorePath: /nix/st"),
        Fault(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nStorePath"),
        Fault(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nStorePath"),
        Fault(raw=b"HTTP/1.1 200 OK\r\nContent-Length: nonsense\r\n\r\nStorePath: /nix/st"),
    ],
    ids=["portal", "empty", "empty html", "smtp", "http10", "length", "chunk", "zz", "nonsense"],
)
def test_what_is_no_answer_is_not_stored(fault: Fault, cache: StartCache, origin: Origin) -> None:
    """A portal's page, an empty body, gibberish: whatever came, the next client gets the truth."""
    origin.files = dict.fromkeys((NARINFO, NAR, f"/{HASH}.ls", f"/log/{DRV}"), narinfo())
    one = cache(origin)
    origin.fail(fault)

    for path in (*origin.files, *origin.files):
        exchange(one.address, request_bytes(path))
    stored = entries(one)
    origin.heal()

    assert stored == []
    for path in origin.files:
        healed, warm = one.get(path), one.get(path)
        assert (healed.status, healed.body, healed.cache_status) == (200, narinfo(), "MISS"), path
        assert (warm.body, warm.cache_status) == (narinfo(), "HIT"), path


def test_a_portals_page_does_not_replace_what_is_stored(cache: StartCache, origin: Origin) -> None:
    """A captive portal does not take the place of a stale narinfo."""
    origin.files[NARINFO] = narinfo()
    one = cache(origin)
    one.get(NARINFO)
    expire(one)
    origin.fail(Fault(status=200, body=b"<html>", headers=HTML))

    replies = [one.get(NARINFO) for _ in range(5)]

    assert {reply.body for reply in replies} == {narinfo()}
    origin.heal()
    assert one.get(NARINFO).body == narinfo()


@pytest.mark.parametrize("fault", [Fault(cut=100), Fault(cut=100, framing=Framing.CHUNKED)])
def test_a_cut_refresh_does_not_replace_what_is_stored(
    fault: Fault, cache: StartCache, origin: Origin
) -> None:
    """A narinfo cut short while it is refreshed leaves the old one in place."""
    origin.files[NARINFO] = narinfo(note="old")
    one = cache(origin)
    one.get(NARINFO)
    expire(one)
    origin.files[NARINFO] = narinfo(note="new")
    origin.fail(fault)

    for _ in range(200):
        assert one.get(NARINFO).body == narinfo(note="old")
        if len(origin.requests) >= 4:
            break
    assert len(origin.requests) >= 4, "it is tried again and again"
