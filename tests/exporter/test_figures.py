"""What was done, what /metrics says and what /status.json says are one and the same."""

import time
from collections import Counter
from collections.abc import Mapping

import pytest

from passthru.stats.kind import FROM_CACHE, CacheStatus, Kind
from passthru.stats.totals import CODES, OTHER
from tests.exporter.conftest import StartExporter
from tests.exporter.running import Samples
from tests.nginx.client import Reply, connect, exchange, fetch, read_reply, request_bytes
from tests.nginx.conftest import MakeOrigin, StartCache
from tests.nginx.origin import Fault, File, Origin
from tests.nginx.samples import NAR, NARINFO, hash_of, narinfo, narinfo_path, noise
from tests.waiting import eventually

OTHER_NAR = NAR.replace("1w1", "2x2")


def by_labels(samples: Samples, name: str, *labels: str) -> Counter[tuple[str, ...]]:
    """Return what is not 0 of a metric, by the values of its labels."""
    found: Counter[tuple[str, ...]] = Counter()
    for (sample, pairs), value in samples.items():
        if sample == name and value:
            held = dict(pairs)
            found[tuple(held[label] for label in labels)] += int(value)
    return found


def told(kind: Kind, reply: Reply) -> tuple[str, str]:
    """Return the labels that an answer has to be counted under."""
    return kind, (reply.cache_status or CacheStatus.NONE).lower()


def size_of(files: Mapping[str, bytes | File]) -> int:
    """Return how many bytes the bodies of an upstream have."""
    return sum(len(body) for body in files.values() if isinstance(body, bytes))


def sent_of(reply: Reply) -> int:
    """Return the bytes that nginx calls the body: with the framing, where it is sent in chunks.

    A narinfo's last line feed could begin what is to be replaced: as long as more may come, it is a
    chunk of its own.
    """
    size = len(reply.body)
    if not reply.get("Transfer-Encoding"):
        return size
    chunks = (size - 1, 1) if reply.cache_status == "MISS" else (size,)
    return size + sum(len(f"{chunk:x}\r\n\r\n") for chunk in (*chunks, 0))


def test_a_known_workload(cache: StartCache, origins: MakeOrigin, exporter: StartExporter) -> None:
    """Hits, misses, a second upstream, a "no", an outage, HEAD and refusals, each counted once."""
    first = origins({narinfo_path(n): narinfo(hash_of(n)) for n in range(6)})
    second = origins(
        {narinfo_path(n): narinfo(hash_of(n)) for n in range(6, 9)}
        | {NAR: noise(200_000), OTHER_NAR: noise(5000, 1)}
    )
    one = cache(first, second, cache={"missing_ttl": "1h"})
    seen = exporter(one)
    did: list[tuple[Kind, Reply]] = []
    for _ in range(2):
        did += [(Kind.NARINFO, one.get(narinfo_path(n))) for n in range(10)]
        did += [(Kind.NAR, one.get(NAR)), (Kind.NAR, one.head(OTHER_NAR))]
        did += [(Kind.OTHER, one.get("/evil")), (Kind.CACHE_INFO, one.get("/nix-cache-info"))]
        did += [(Kind.NARINFO, fetch(one.address, NARINFO, method="PUT"))]
    second.fail(Fault(status=503))
    did += [(Kind.LS, one.get(f"/{hash_of(1)}.ls"))]
    seen.await_lines(len(did))

    samples = seen.samples()
    requests = Counter(told(kind, reply) for kind, reply in did)
    assert by_labels(samples, "passthru_requests_total", "kind", "cache_status") == requests
    codes = Counter((str(kind), str(reply.status)) for kind, reply in did)
    assert by_labels(samples, "passthru_responses_total", "kind", "code") == codes
    sent: Counter[tuple[str, str]] = Counter()
    for kind, reply in did:
        sent[told(kind, reply)] += sent_of(reply)
    sent = +sent
    assert by_labels(samples, "passthru_response_bytes_total", "kind", "cache_status") == sent

    asked = {"a": first.requests, "b": second.requests}
    counts = by_labels(samples, "passthru_upstream_requests_total", "upstream", "outcome")
    for name, requests_of in asked.items():
        mine = {key: count for key, count in counts.items() if key[0] == name}
        assert sum(mine.values()) == len(requests_of), (mine, requests_of)
    assert counts["b", "error"] == 1
    assert counts["a", "ok"] == 6
    assert counts["b", "ok"] == 5

    time.sleep(1.1)  # a snapshot is a second old at most
    shown = seen.snapshot()
    total = shown.tallies.total
    assert total.requests == len(did)
    assert total.served_bytes == sum(sent.values())
    assert total.errors == 1
    assert total.hits == sum(n for (_, status), n in requests.items() if status in FROM_CACHE)
    looked_up = sum(n for (_, status), n in requests.items() if status != CacheStatus.NONE)
    assert total.cacheable_requests == looked_up
    fetched = by_labels(samples, "passthru_upstream_received_bytes_total", "upstream")
    assert total.fetched_bytes == fetched.total()
    assert fetched == {("a",): size_of(first.files), ("b",): size_of(second.files)}
    assert total.saved_bytes == sum(sent.values()) - fetched.total()
    assert shown.tallies.today == shown.tallies.hour == total
    assert sum(point.requests for point in shown.charts.hour) == len(did)
    assert {one.name: one.fetched_bytes for one in shown.upstreams} == {
        name: fetched[name,] for name in "ab"
    }
    assert shown.log.lines == len(did)
    assert shown.log.unparsable_lines == 0
    assert shown.answers[0].status == 502
    assert all(answer.path is None for answer in shown.answers)


def test_strangers_make_no_series(
    cache: StartCache, origin: Origin, exporter: StartExporter
) -> None:
    """Whatever is asked, in whatever way, the series stay the same, and every line is understood."""
    origin.files[NARINFO] = narinfo()
    one = cache(origin)
    seen = exporter(one)
    one.get("/nothing")
    seen.await_lines(1)
    before = set(seen.samples())
    hostile = [
        b"BREW /pot HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /%09%0a%22%5c HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /\xff\xfe\xc3 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /nar/" + b"a" * 3000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /" + b"a" * 30000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET " + NARINFO.encode() + b' HTTP/1.1\r\nHost: x\r\nUser-Agent: \t"\\\xff\r\n\r\n',
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"GET /x HTTP/1.1\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /metrics/kind=%22nar%22 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /status HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n",
    ]
    for data in hostile:
        exchange(one.address, data, silence=0.2)
    for status in (418, 299, 599, 451):
        origin.fail(Fault(status=status))
        one.get(narinfo_path(status))
    seen.await_lines(1 + len(hostile) + 4)

    after = seen.samples()
    new = {name for name, _labels in set(after) - before}
    values = {value for _name, labels in after for _label, value in labels if _label == "code"}
    assert new <= {"passthru_responses_total"}
    assert values <= CODES | {OTHER}
    assert after["passthru_log_parse_errors_total", frozenset()] == 0
    assert after["passthru_nginx_up", frozenset()] == 1


def test_the_page_and_its_files(cache: StartCache, origin: Origin, exporter: StartExporter) -> None:
    """The page is HTML under a strict policy, at the spec's path, and its files are there."""
    one = cache(origin, status={"path": "/x/seen"})
    exporter(one)
    page = one.get("/x/seen")
    style = one.get("/x/seen/static/status.css")

    assert page.status == 200
    assert page.get("Content-Type") == "text/html; charset=utf-8"
    assert "default-src 'none'" in (page.get("Content-Security-Policy") or "")
    assert page.get("Cache-Control") == "no-store"
    assert b"/x/seen/static/status.css" in page.body
    assert style.get("Content-Type") == "text/css; charset=utf-8"
    known = (("If-None-Match", style.get("ETag") or ""),)
    assert one.get("/x/seen/static/status.css", headers=known).status == 304
    missing = one.get("/x/seen/static/nothing.css")
    assert (missing.status, missing.line) == (404, "no such file of the status page")
    assert one.head("/metrics").body == b""
    assert one.get("/x/seen.json").get("Cache-Control") == "no-store"


@pytest.mark.parametrize("accept", ["", "application/openmetrics-text; version=1.0.0"])
def test_content_types(
    cache: StartCache, origin: Origin, exporter: StartExporter, accept: str
) -> None:
    """A scraper gets the format it asks for, through nginx, under the type that it checks."""
    one = cache(origin)
    exporter(one)
    reply = one.get("/metrics", headers=(("Accept", accept),) if accept else ())

    expected = accept.partition(";")[0] or "text/plain"
    assert (reply.get("Content-Type") or "").startswith(f"{expected}; version=")
    assert reply.body.endswith(b"# EOF\n") == bool(accept)


def test_what_is_seen_beside_the_log(
    cache: StartCache, origin: Origin, exporter: StartExporter
) -> None:
    """Zones are walked, the disk is asked, nginx tells its connections, and idle upstreams are probed."""
    origin.files |= {NARINFO: narinfo(), NAR: noise(100_000)}
    one = cache(origin)
    one.get(NARINFO)
    one.get(NAR)
    seen = exporter(one)
    seen.await_lines(2)

    def is_walked() -> bool:
        return seen.value("passthru_cache_files", cache="nar") == 1

    assert eventually(is_walked)
    time.sleep(1.1)
    shown = seen.snapshot()
    nar, metadata = (
        next(zone for zone in shown.store.zones if zone.name == name)
        for name in ("nar", "metadata")
    )
    assert nar.used_bytes is not None
    assert 100_000 < nar.used_bytes < 120_000
    assert metadata.files == 1
    assert shown.connections is not None
    assert shown.connections.requests > 2
    assert shown.instance.generation == one.rendering.generation
    assert shown.instance.serving_since is not None
    assert [upstream.state for upstream in shown.upstreams] == ["well"]
    assert shown.headline.condition == "well", shown.headline


def test_names_are_shown_only_if_they_are_wanted(
    cache: StartCache, origins: MakeOrigin, exporter: StartExporter
) -> None:
    """With `status.paths`, packages are told by name: of both upstreams, and of a download in flight."""
    big = NAR.replace("1w1", "3x3")
    first = origins({NARINFO: narinfo()} | {NAR: noise(1000)})
    second = origins(
        {narinfo_path(5): narinfo(hash_of(5), big.removeprefix("/")).replace(b"hello", b"world")}
        | {big: noise(400_000)}
    )
    one = cache(first, second, status={"paths": True})
    seen = exporter(one)
    path = f"/nar/~b{big.removeprefix('/nar')}"
    one.get_all([NARINFO, NAR, NAR, narinfo_path(5)])
    second.fail(Fault(drip=100_000))
    with connect(one.address) as stream:
        stream.sendall(request_bytes(path))
        assert eventually(lambda: [fill.name for fill in seen.snapshot().fills])
        [fill] = seen.snapshot().fills
        reply = read_reply(stream)
    assert (fill.total_bytes, len(reply.body)) == (400_000, 400_000)
    assert 0 < fill.bytes_so_far < 400_000

    seen.await_lines(5)
    assert eventually(lambda: len(seen.snapshot().wanted or ()) == 2)
    shown = seen.snapshot()
    assert [(w.name, w.requests, w.served_bytes) for w in shown.wanted or ()] == [
        ("hello-2.12.1", 2, 2000),
        ("world-2.12.1", 1, 400_000),
    ]
    assert shown.answers[0].path == path
    one.apply({"status": {"paths": False}})
    assert eventually(lambda: seen.snapshot().wanted is None)
    assert "hello-2" not in str(seen.json())


def test_facts_are_followed(
    cache: StartCache, origins: MakeOrigin, exporter: StartExporter
) -> None:
    """After a change of the spec the new upstream and the new generation are told, and counts go on."""
    first, second = origins({NARINFO: narinfo()}), origins()
    one = cache(first)
    seen = exporter(one)
    one.get(NARINFO)
    seen.await_lines(1)
    table = {"url": second.url, "name": "new", "connect_timeout": "1s", "read_timeout": "2s"}
    one.apply({"upstreams": [*one.settings["upstreams"], table]})

    def is_told() -> bool:
        labels = frozenset({("generation", one.rendering.generation)})
        return ("passthru_config_generation_info", labels) in seen.samples()

    assert eventually(is_told)
    assert one.get(narinfo_path(5)).status == 404
    seen.await_lines(2)
    requests = "passthru_upstream_requests_total"
    assert seen.value(requests, upstream="new", outcome="not_found") == 1
    assert seen.value(requests, upstream="a", outcome="ok") == 1
