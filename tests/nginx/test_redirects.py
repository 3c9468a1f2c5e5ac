"""Upstreams that say where a file is instead of giving it."""

import itertools
from pathlib import Path

import pytest

from tests.nginx.cache import upstream
from tests.nginx.certificates import Authority
from tests.nginx.client import at_once
from tests.nginx.conftest import MakeOrigin, StartCache
from tests.nginx.fault import Fault
from tests.nginx.origin import Origin
from tests.nginx.samples import NAR, NARINFO, narinfo, noise

BODY = noise(50_000)


def sends(origin: Origin, path: str, target: str, status: int = 302) -> None:
    """Let `origin` answer requests for `path` with a redirect to `target`."""
    origin.fail(Fault(path, status=status, headers=(("Location", target),)))


@pytest.mark.core
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed_and_stored_under_the_name_asked_for(
    status: int, cache: StartCache, origins: MakeOrigin
) -> None:
    """The client sees the file and no redirect, and the second time nobody is asked."""
    front, store = origins(), origins({"/blob/1?sig=a%2Fb": BODY})
    sends(front, NAR, f"{store.url}/blob/1?sig=a%2Fb", status)
    one = cache(upstream(front, "a", redirect_hosts=["127.0.0.1"]))

    replies = [one.get(NAR), one.get(NAR)]

    assert [(r.status, r.cache_status, r.upstream) for r in replies] == [
        (200, "MISS", "a"),
        (200, "HIT", "a"),
    ]
    assert [r.body == BODY and r.get("Location") is None for r in replies] == [True, True]
    assert [len(front.requests), len(store.requests)] == [1, 1]


@pytest.mark.core
def test_a_relative_redirect_stays_with_the_upstream(cache: StartCache, origin: Origin) -> None:
    """An upstream may always redirect to itself, under the name that it is always asked by."""
    origin.files["/other"] = narinfo()
    sends(origin, NARINFO, "/other")
    one = cache(origin)

    reply = one.get(NARINFO)

    assert (reply.status, reply.body) == (200, narinfo())
    assert origin.seen("/other")[0].headers["host"] == f"127.0.0.1:{origin.port}"


def test_an_absolute_redirect_to_itself_needs_no_name(cache: StartCache, origin: Origin) -> None:
    """The upstream's own host is allowed without being named."""
    origin.files["/other"] = narinfo()
    sends(origin, NARINFO, f"{origin.url}/other")

    assert cache(origin).get(NARINFO).status == 200


def test_relative_to_the_last_host(cache: StartCache, origins: MakeOrigin) -> None:
    """A second redirect that names no host means the host that sent it."""
    front, store = origins(), origins({"/two": BODY})
    sends(front, NAR, f"{store.url}/one", 307)
    sends(store, "/one", "/two", 307)
    one = cache(upstream(front, "a", redirect_hosts=["127.0.0.1"]))

    assert one.get(NAR).body == BODY


@pytest.mark.core
@pytest.mark.parametrize(("hops", "status"), [(3, 200), (4, 502), (9, 502)])
def test_three_redirects_and_no_more(
    hops: int, status: int, cache: StartCache, origin: Origin
) -> None:
    """The fourth in a row is refused, a loop with it."""
    places = [NARINFO, *(f"/hop/{n}" for n in range(1, hops + 1))]
    for here, there in itertools.pairwise(places):
        sends(origin, f"^{here}$", there)
    origin.files[places[-1]] = narinfo()
    one = cache(origin)

    reply = one.get(NARINFO)

    assert reply.status == status
    assert len(origin.requests) == 4


def test_a_loop_ends(cache: StartCache, origin: Origin) -> None:
    """An upstream that redirects a file to itself is a failure, quickly."""
    sends(origin, NARINFO, NARINFO)
    reply = cache(origin).get(NARINFO)

    assert reply.status == 502
    assert reply.seconds < 1


@pytest.mark.core
@pytest.mark.parametrize(
    "target",
    [
        "http://{other}/x",
        "//{other}/x",
        "https://{other}/x",
        "http://127.0.0.1:{port}@{other}/x",
        "http://{other}#@127.0.0.1:{port}/x",
        "http://{other}\\@127.0.0.1:{port}/x",
        "http://[::1]/x",
        "http://0/x",
        "ftp://127.0.0.1/x",
        "file:///etc/passwd",
        "x",
        "",
        "http://",
        "javascript:alert(1)",
        "http://127.0.0.1.evil.example/x",
        "http://evil.example/http://127.0.0.1:{port}/x",
    ],
)
def test_elsewhere_is_refused(target: str, cache: StartCache, origins: MakeOrigin) -> None:
    """A host that the spec does not name is not asked, and the client is told which it was."""
    front, other = origins(), origins({"/x": BODY})
    sends(front, NAR, target.format(other=f"localhost:{other.port}", port=front.port))
    one = cache(front)

    reply = one.get(NAR)

    assert (reply.status, reply.get("Location"), other.requests) == (502, None, [])
    assert len(reply.line) < 400
    if target == "http://{other}/x":
        assert "localhost" in reply.line


def test_a_refused_redirect_is_a_failure_of_that_upstream_alone(
    cache: StartCache, origins: MakeOrigin
) -> None:
    """The next upstream is asked, and what it has is served."""
    front, second = origins(), origins({NAR: BODY})
    sends(front, NAR, "http://evil.example/x")
    reply = cache(front, second).get(NAR)

    assert (reply.status, reply.upstream, reply.body) == (200, "b", BODY)


def test_a_refused_redirect_is_no_miss(cache: StartCache, origins: MakeOrigin) -> None:
    """Where nobody has it, an upstream that could not be followed makes it an outage."""
    front, second = origins(), origins()
    sends(front, NAR, "http://evil.example/x")

    assert cache(front, second).get(NAR).status == 502


def test_a_no_behind_a_redirect_is_a_no(cache: StartCache, origins: MakeOrigin) -> None:
    """Object stores are asked through redirects; their 404 is the upstream's."""
    front, store = origins(), origins()
    sends(front, NAR, f"{store.url}/blob")
    one = cache(upstream(front, "a", redirect_hosts=["127.0.0.1"]))

    assert [one.get(NAR).status, one.get(NAR).status] == [404, 404]
    assert len(store.requests) == 1


def test_a_failure_behind_a_redirect_is_a_failure(cache: StartCache, origins: MakeOrigin) -> None:
    """A store that is down is an outage, and is asked again."""
    front, store = origins(), origins({"/blob": BODY})
    sends(front, NAR, f"{store.url}/blob")
    one = cache(upstream(front, "a", redirect_hosts=["127.0.0.1"]))
    store.stop()
    first = one.get(NAR)
    store.start()

    assert (first.status, one.get(NAR).status) == (502, 200)


def test_many_clients_one_download(cache: StartCache, origins: MakeOrigin) -> None:
    """The lock holds across the redirect."""
    front, store = origins(), origins({"/blob": BODY})
    sends(front, NAR, f"{store.url}/blob")
    store.fail(Fault("/blob", delay=0.3))
    one = cache(upstream(front, "a", redirect_hosts=["127.0.0.1"]))

    replies = at_once(20, lambda: one.get(NAR))

    assert {r.body == BODY for r in replies} == {True}
    assert len(store.requests) == 1


def test_stored_content_outlives_the_redirect(cache: StartCache, origins: MakeOrigin) -> None:
    """With everybody gone, what was fetched through a redirect is still served."""
    front, store = origins(), origins({"/blob": BODY})
    sends(front, NAR, f"{store.url}/blob")
    one = cache(upstream(front, "a", redirect_hosts=["127.0.0.1"]))
    one.get(NAR)
    front.stop()
    store.stop()

    assert one.get(NAR).cache_status == "HIT"


def test_from_tls_only_to_tls(cache: StartCache, origins: MakeOrigin, tmp_path: Path) -> None:
    """An upstream reached over TLS cannot send us to one that is not."""
    authority = Authority(tmp_path)
    front = origins(tls=authority.context("localhost"))
    plain = origins({"/x": BODY})
    sends(front, NAR, f"http://127.0.0.1:{plain.port}/x")
    one = cache(
        upstream(
            front.url.replace("127.0.0.1", "localhost"),
            "a",
            redirect_hosts=["127.0.0.1"],
            ca_file=str(authority.file),
        ),
        machine={"addresses": {"localhost": ("127.0.0.1",)}},
    )

    assert (one.get(NAR).status, plain.requests) == (502, [])
