"""Which requests exist, and what an upstream gets to see of them."""

import re

import pytest

from tests.nginx.client import exchange
from tests.nginx.conftest import StartCache
from tests.nginx.origin import Fault, Origin
from tests.nginx.samples import DRV, HASH, NAR, NARINFO, hash_of, narinfo

HEX40 = "0123456789abcdef" * 2 + "01234567"
HEX64 = "0123456789abcdef" * 4

TIDY = (
    NARINFO,
    f"/{HASH}.ls",
    f"/{HASH}.ls.xz",
    NAR,
    "/nar/0ab.nar",
    "/nar/0ab.nar.zst",
    "/nar/0ab.nar?hash=7x7n",
    f"/nar/{HASH}-0abcdfgh.nar.br",
    "/nar/0a1b2c3d-4e5f-6789-abcd-ef0123456789.nar.lz4",
    "/nar/deep/er/0ab.nar.xz",
    "/nar/snix-castore/CAESIDEyMzQ=?narsize=226552",
    "/nar/0ab.nar?X-Amz-Signature=0f%2Fa&b=c/d?e",
    "/nar/with%20space.nar",
    "/nar/caf%C3%A9.nar",
    "/nar/a~b!c@d.nar",
    f"/log/{DRV}",
    f"/log/{HASH}-gtk+3-3.24.drv",
    f"/realisations/sha256:{HEX64}!out.doi",
    f"/realisations/sha256:{HEX64[::-1]}%21out.doi",
    f"/build-trace-v2/{DRV}/out.doi",
    f"/debuginfo/{HEX40}",
    f"/debuginfo/{HEX40}.debug",
)

UNTIDY = (
    *(f"/{HASH[:-1]}{letter}.narinfo" for letter in "eoutE_-"),
    f"/{HASH[:-1]}.narinfo",
    f"/{HASH}0.narinfo",
    f"/{HASH}.NARINFO",
    f"/{HASH}.nar",
    f"/{HASH}.narinfo.xz",
    f"/{HASH}.lsx",
    f"/{HASH}",
    f"/a{NARINFO}",
    f"{NARINFO}/",
    f"{NARINFO}/x",
    f"{NARINFO}?",
    f"{NARINFO}?x=1",
    f"{NARINFO}%00",
    f"{NARINFO}%20",
    f"{NARINFO};x",
    f"/{HASH}%2Enarinfo",
    f"/%30{HASH[1:]}.narinfo",
    f"/{HASH}.ls?x",
    f"/log/{DRV}?x",
    f"/realisations/sha256:{HEX64}!out.doi?x",
    f"/debuginfo/{HEX40}?x",
    "/nar",
    "/nar/",
    "/nar/?x",
    "/nar/a/",
    "/nar//a",
    f"/{NARINFO}",
    f"//{HASH}.narinfo",
    f"//evil.test{NARINFO}",
    f"/./{HASH}.narinfo",
    f"/nar/..{NARINFO}",
    f"/nar/%2e%2e{NARINFO}",
    f"/nar/%2E.{NARINFO}",
    "/nar/..",
    "/nar/.",
    "/nar/./a",
    "/nar/a/..",
    "/nar/a/../b",
    "/nar/../../etc/passwd",
    "/nar/.hidden",
    "/nar/a%2Fb",
    "/nar/a%2fb",
    "/nar%2Fa",
    "/nar/a%5Cb",
    "/nar/a\\b",
    "/nar/a%00b",
    "/nar/a%0d%0aX-Evil:%201",
    "/nar/a%0a",
    "/nar/a%7f",
    "/nar/a%25b",
    "/nar/a%252fb",
    "/nar/a%",
    "/nar/a%2",
    "/nar/a%zz",
    "/nar/a;b",
    "/nar/a?b%",
    "/nar/a?b;c",
    '/nar/a"b',
    "/nar/a<b>",
    "/nar/a|b",
    "/nar/{a}",
    "/nar/$a",
    "/nar/a'b",
    "/nar/café",
    "/nar/" + "a" * 7000,
    "/nar/a?" + "b" * 7000,
    "/log/",
    f"/log/{HASH}-hello",
    "/log/hello.drv",
    f"/log/{HASH}.drv",
    f"/log/x/{DRV}",
    f"/log/{DRV}.bz2",
    "/realisations/",
    "/realisations/a/b",
    "/debuginfo/",
    "/debuginfo/a/b",
    "/build-trace-v2/",
    "/nix-cache-info/",
    "/nix-cache-infox",
    "/NIX-CACHE-INFO",
    "/nix-cache-info%20",
    "/health/",
    "/healthy",
    "/index.html",
    "/pages/index.html",
    "/favicon.ico",
    "/robots.txt",
    "/nginx.conf",
    "/http.conf",
    "/.git/config",
    "/.well-known/security.txt",
    "/-/generation",
    "/cgi-bin/sh",
)


UNREADABLE = {
    (target, 400)
    for target in (
        *(f"{NARINFO}%00", "/nar/a%00b", "/nar/a%", "/nar/a%2", "/nar/a%zz"),
        "/nar/../../etc/passwd",
    )
}
"""What nginx itself cannot read: 400, and no choice of ours."""


@pytest.mark.core
def test_what_reaches_an_upstream_is_exactly_what_was_asked(
    cache: StartCache, origin: Origin
) -> None:
    """Every path of the grammar, query and encoding and all, arrives as the client wrote it."""
    origin.fail(Fault(status=200, body=b"here it is\n"))
    one = cache(origin)

    replies = {target: one.get(target) for target in TIDY}

    assert {t: r.status for t, r in replies.items() if r.status != 200} == {}
    assert {r.body for r in replies.values()} == {b"here it is\n"}
    assert [request.path for request in origin.requests] == list(TIDY)


def test_every_tidy_path_is_stored_as_itself(cache: StartCache, origin: Origin) -> None:
    """Paths that differ anywhere, the query of a NAR included, never share an answer."""
    for number, target in enumerate(TIDY):
        origin.files[target] = b"answer %d" % number
    one = cache(origin)

    cold = [one.get(target).body for target in TIDY]
    warm = [one.get(target) for target in TIDY]

    assert cold == [b"answer %d" % number for number in range(len(TIDY))]
    assert [reply.body for reply in warm] == cold
    assert {reply.cache_status for reply in warm} == {"HIT"}


@pytest.mark.core
def test_what_is_not_in_the_grammar_reaches_no_upstream(cache: StartCache, origin: Origin) -> None:
    """Anything else is refused with one line, and the upstream never hears of it."""
    origin.fail(Fault(status=200, body=b"leaked\n"))
    one = cache(origin)

    replies = {target: one.get(target) for target in UNTIDY}

    wrong = {target: reply.status for target, reply in replies.items() if reply.status != 404}
    assert {t: status for t, status in wrong.items() if (t, status) not in UNREADABLE} == {}
    assert all(reply.line for reply in replies.values())
    assert origin.requests == []


def test_two_spellings_of_a_realisation_are_one(cache: StartCache, origin: Origin) -> None:
    """Nix writes `!` up to 2.33 and `%21` from 2.34: what one of them fetched serves the other."""
    path = f"/realisations/sha256:{HEX64}!out.doi"
    origin.files = dict.fromkeys((path, path.replace("!", "%21")), b"{}")
    one = cache(origin)

    assert one.get(path).cache_status == "MISS"
    assert one.get(path.replace("!", "%21")).cache_status == "HIT"
    assert len(origin.requests) == 1


def test_a_path_with_a_prefix_keeps_it(cache: StartCache, origin: Origin) -> None:
    """An upstream whose URL has a path gets that path before what was asked, query included."""
    origin.files = {f"/deep/er{NARINFO}": narinfo(), "/deep/er/nar/a.nar?hash=b": b"nar"}
    one = cache({"url": f"{origin.url}/deep/er", "name": "a"})

    assert one.get(NARINFO).body == narinfo()
    assert one.get("/nar/a.nar?hash=b").body == b"nar"
    assert [r.path for r in origin.requests] == [
        f"/deep/er{NARINFO}",
        "/deep/er/nar/a.nar?hash=b",
    ]


def test_an_absolute_target_is_no_way_to_another_host(cache: StartCache, origin: Origin) -> None:
    """A request in absolute form is asked of the upstream that was configured, or refused."""
    origin.files[NARINFO] = narinfo()
    one = cache(origin)

    answer = exchange(
        one.address,
        b"GET http://evil.test%s HTTP/1.1\r\nHost: cache.test\r\nConnection: close\r\n\r\n"
        % NARINFO.encode(),
    )

    assert re.match(rb"HTTP/1\.1 (200|400|404|421) ", answer), answer
    assert {(r.path, r.headers["host"]) for r in origin.requests} <= {
        (NARINFO, f"127.0.0.1:{origin.port}")
    }


@pytest.mark.parametrize(
    "line",
    [
        b"GET /nar/a\0b HTTP/1.1",
        b"GET \0 HTTP/1.1",
        b"GET * HTTP/1.1",
        b"GET nar/a HTTP/1.1",
        b"GET /nar/a b HTTP/1.1",
        b"GET /nar/a\tb HTTP/1.1",
        b"GET /nar/a\x7fb HTTP/1.1",
        b"GET /nar/a HTTP/9.9",
        b"GET /nar/a HTTP/1.1 HTTP/1.1",
        b"GET\t/nar/a\tHTTP/1.1",
        b"GET /nar/" + b"a" * 100_000 + b" HTTP/1.1",
        b"GET /nar/a#b HTTP/1.1",
        b"get /nar/a HTTP/1.1",
        b"G\xc3\x89T /nar/a HTTP/1.1",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"",
    ],
)
def test_a_hostile_request_line_is_refused(line: bytes, cache: StartCache, origin: Origin) -> None:
    """A request line that is not HTTP, or far too long, gets a 4xx (or nothing) and goes no further."""
    origin.fail(Fault(status=200, body=b"leaked\n"))
    one = cache(origin)

    answer = exchange(one.address, line + b"\r\nHost: cache.test\r\nConnection: close\r\n\r\n")

    assert re.match(rb"(HTTP/1\.1 (400|404|405|414|505) |$)", answer), answer[:100]
    assert b"<html" not in answer
    assert origin.requests == []
    assert one.get("/health").status == 200


@pytest.mark.parametrize(
    "lines",
    [
        b"Content-Length: 5\r\nContent-Length: 60\r\n\r\nGET /nar/smuggled HTTP/1.1\r\nHost: x",
        b"Content-Length: 44\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /nar/smuggled HTTP/1.1\r\nHost: x",
        b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\nGET /nar/smuggled HTTP/1.1\r\nHost: x",
        b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\nGET /nar/smuggled HTTP/1.1\r\nHost: x",
        b"Content-Length: -1\r\n\r\nGET /nar/smuggled HTTP/1.1\r\nHost: x",
        b"Content-Length : 45\r\n\r\nGET /nar/smuggled HTTP/1.1\r\nHost: x\r\n\r\n    ",
        b"Content-Length: 45\r\n\r\nGET /nar/smuggled HTTP/1.1\r\nHost: x\r\n\r\n     ",
    ],
)
def test_no_request_hides_in_another(lines: bytes, cache: StartCache, origin: Origin) -> None:
    """However a body is framed, what stands in it never reaches an upstream."""
    origin.files["/nar/a"] = b"nar"
    one = cache(origin)

    answer = exchange(
        one.address,
        b"GET /nar/a HTTP/1.1\r\nHost: cache.test\r\n" + lines + b"\r\nConnection: close\r\n\r\n",
    )

    assert re.match(rb"HTTP/1\.1 (200|400|413|501) ", answer), answer[:100]
    assert {request.path for request in origin.requests} <= {"/nar/a"}
    for request in origin.requests:
        assert not {"content-length", "transfer-encoding"} & set(request.headers)


def test_old_versions_of_http_are_served(cache: StartCache, origin: Origin) -> None:
    """HTTP/1.0 without a Host and even HTTP/0.9 get the same bytes; upstream it is HTTP/1.1."""
    origin.files[NARINFO] = narinfo()
    origin.files[f"/{hash_of(9)}.narinfo"] = narinfo(hash_of(9))
    one = cache(origin)

    ten = exchange(one.address, b"GET %s HTTP/1.0\r\n\r\n" % NARINFO.encode())
    nine = exchange(one.address, b"GET /%s.narinfo\r\n" % hash_of(9).encode())

    assert ten.endswith(b"\r\n\r\n" + narinfo())
    assert b"Transfer-Encoding" not in ten
    assert nine == narinfo(hash_of(9))
    assert {request.version for request in origin.requests} == {"HTTP/1.1"}
