"""Listings, build logs and realisations, asked for by many clients at once."""

import contextlib
import gzip
import random
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from tests.nginx.origin import File, Origin
from tests.nix.conftest import StartPassthru
from tests.nix.running import Answer, ask
from tests.nix.upstream import Upstream

pytestmark = pytest.mark.nix

CLIENTS = 32


def test_many_clients_get_the_right_bytes_and_types(
    upstream: Upstream, origin: Origin, start: StartPassthru
) -> None:
    """32 clients asking for everything at once get each file's bytes and type, whole."""
    cache = start(origin.url)
    wanted = _wanted(upstream)

    answers = _ask_all(cache.address, sorted(wanted))

    for target, answer in answers:
        body, kind = wanted[target]
        assert (target, answer.status) == (target, 200)
        assert (target, answer.headers["content-type"]) == (target, kind)
        assert (target, answer.body) == (target, body)
        assert "content-encoding" not in answer.headers
    assert len(answers) == CLIENTS * len(wanted)


def test_a_realisation_is_one_file_under_both_spellings(
    upstream: Upstream, origin: Origin, start: StartPassthru
) -> None:
    """`!` (Nix 2.26) and `%21` (2.34) are one name: what one brought, the other finds."""
    cache = start(origin.url)
    (plain,) = upstream.below("realisations")

    first = cache.get(plain)
    # nginx may still be about to store what it has just answered.
    for _ in range(100):
        if cache.get(plain).headers["x-cache-status"] == "HIT":
            break
        time.sleep(0.02)
    origin.stop()
    second = cache.get(plain.replace("!", "%21"))

    assert (first.status, first.headers["x-cache-status"]) == (200, "MISS")
    assert (second.status, second.headers["x-cache-status"]) == (200, "HIT")
    assert first.body == second.body == (upstream.folder / plain[1:]).read_bytes()


@pytest.mark.parametrize("accepted", [None, "gzip", "zstd, br"])
def test_a_stored_encoding_is_passed_on(
    upstream: Upstream, origin: Origin, start: StartPassthru, accepted: str | None
) -> None:
    """A listing or log that is kept encoded comes as it is kept, and says so, to every client."""
    encoded = [upstream.below("log")[0], upstream.narinfo(upstream.top).replace("narinfo", "ls")]
    for target in encoded:
        body = gzip.compress((upstream.folder / target[1:]).read_bytes(), mtime=0)
        origin.files[target] = File(body, headers=(("Content-Encoding", "gzip"),))
    cache = start(origin.url)
    headers = {"Accept-Encoding": accepted} if accepted else {}

    for target in encoded * 2:
        answer = cache.get(target, headers=headers)

        assert answer.headers["content-encoding"] == "gzip"
        assert gzip.decompress(answer.body) == (upstream.folder / target[1:]).read_bytes()


def _wanted(upstream: Upstream) -> dict[str, tuple[bytes, str]]:
    """Return what is in the upstream, but for NARs: request target to body and media type."""
    types = {"log": "text/plain; charset=utf-8", "realisations": "application/json"}
    found = {
        target: ((upstream.folder / target[1:]).read_bytes(), kind)
        for directory, kind in types.items()
        for target in upstream.below(directory)
    }
    for path in upstream.paths:
        narinfo = upstream.narinfo(path)
        listing = narinfo.replace("narinfo", "ls")
        found[narinfo] = ((upstream.folder / narinfo[1:]).read_bytes(), "text/x-nix-narinfo")
        found[listing] = ((upstream.folder / listing[1:]).read_bytes(), "application/json")
    return found | {t.replace("!", "%21"): v for t, v in found.items() if "!" in t}


def _ask_all(address: str, targets: list[str]) -> list[tuple[str, Answer]]:
    """Have many clients ask for all `targets`, each on one connection and in its own order."""
    where = urlsplit(address)

    def ask_in_order(number: int) -> list[tuple[str, Answer]]:
        order = random.Random(number)  # noqa: S311 - an order, no secret
        mine = order.sample(targets, len(targets))
        with contextlib.closing(
            HTTPConnection(where.hostname or "", where.port, timeout=30)
        ) as connection:
            return [(target, ask(connection, target)) for target in mine]

    with ThreadPoolExecutor(CLIENTS) as pool:
        return [pair for answers in pool.map(ask_in_order, range(CLIENTS)) for pair in answers]
