"""The page and the figures behind nginx: who sees them, and what happens without the exporter."""

import json
from pathlib import Path

import pytest

from passthru.nginx.status import PRIVATE
from tests.nginx.cache import Cache
from tests.nginx.client import fetch
from tests.nginx.conftest import StartCache
from tests.nginx.fake_exporter import POLICY, fake_exporter
from tests.nginx.origin import Fault, Origin
from tests.nginx.samples import NARINFO, narinfo

PATHS = ("/metrics", "/status", "/status.json", "/status/static/page.css")
NOT_OURS = (
    "/metrics/",
    "/metrics.json",
    "/%6detrics",
    "/status/",
    "/status/static",
    "/status/static/",
    "/status/static/../../metrics",
    "/status/static/..%2fx.css",
    "/status/static/.hidden",
    "/status/static/a/b.css",
    "/status.html",
    "/statusx",
    "/st%61tus",
    "//status",
)
NETWORK_ONLY_404 = ("/-/nginx", "/-/probe/a")


def logged(one: Cache) -> str:
    """Return the access log once nginx has written all of it."""
    one.stop()
    return Path(one.site.logs, "access.log").read_text()


@pytest.mark.core
def test_the_exporter_answers_through_nginx(cache: StartCache, origin: Origin) -> None:
    """Each public path reaches the exporter under its fixed one, and the answer passes unchanged."""
    one = cache(origin)
    with fake_exporter(one.site.exporter_socket) as exporter:
        replies = [one.get(path) for path in PATHS]
        assert one.head("/status").body == b""

    assert [(r.status, r.body) for r in replies] == [(200, b"hello\n")] * 4
    assert [path for _method, path, _headers in exporter.asked] == [*PATHS, "/status"]
    assert exporter.asked[-1][0] == "HEAD"
    assert {r.get("Content-Security-Policy") for r in replies} == {POLICY}
    assert {r.get("Cache-Control") for r in replies} == {"no-store"}
    assert {r.get("Content-Type") for r in replies} == {"text/html; charset=utf-8"}
    assert origin.requests == []


def test_the_path_is_the_specs(cache: StartCache, origin: Origin) -> None:
    """`status.path` moves the page, its JSON and its files, and /metrics stays."""
    one = cache(origin, status={"path": "/x/my-cache"})
    with fake_exporter(one.site.exporter_socket) as exporter:
        moved = [one.get(f"/x/my-cache{rest}").status for rest in ("", ".json", "/static/a.js")]
        left = [one.get(path).status for path in PATHS]

    assert moved == [200, 200, 200]
    assert left == [200, 404, 404, 404]
    assert [path for _method, path, _headers in exporter.asked] == [
        "/status",
        "/status.json",
        "/status/static/a.js",
        "/metrics",
    ]


def test_other_spellings_do_not_exist(cache: StartCache, origin: Origin) -> None:
    """Nothing but the paths as they are written reaches the exporter."""
    one = cache(origin)
    with fake_exporter(one.site.exporter_socket) as exporter:
        replies = {path: one.get(path) for path in NOT_OURS}

    assert {path: reply.status for path, reply in replies.items() if reply.status != 404} == {}
    assert exporter.asked == []


def test_the_client_is_not_passed_on(cache: StartCache, origin: Origin) -> None:
    """The exporter sees none of a client's headers but the two that choose an answer."""
    one = cache(origin)
    sent = (
        ("Accept", "application/openmetrics-text"),
        ("If-None-Match", '"1"'),
        ("Cookie", "secret"),
        ("Authorization", "Bearer secret"),
        ("X-Forwarded-For", "127.0.0.1"),
        ("User-Agent", "evil"),
    )
    with fake_exporter(one.site.exporter_socket) as exporter:
        assert one.get("/metrics", headers=sent).status == 200

    [(_method, _path, headers)] = exporter.asked
    assert headers.pop("accept") == "application/openmetrics-text"
    assert headers.pop("if-none-match") == '"1"'
    assert headers == {"host": "localhost"}


@pytest.mark.core
def test_without_the_exporter_it_is_503_and_all_else_serves(
    cache: StartCache, origin: Origin
) -> None:
    """A dead exporter costs its own answers only, and each says so in one line."""
    origin.files[NARINFO] = narinfo()
    one = cache(origin)

    for path in PATHS:
        reply = one.get(path)
        assert (reply.status, reply.get("Retry-After")) == (503, "5")
        assert "exporter does not answer" in reply.line
        assert reply.get("X-Cache-Status") is None
    assert one.get("/health").status == 200
    assert one.get(NARINFO).status == 200
    assert one.error_log == ""
    assert [request.path for request in origin.requests] == [NARINFO]


def test_an_exporters_error_is_its_own(cache: StartCache, origin: Origin) -> None:
    """A 404 or 500 of the exporter is passed on, and never asked of an upstream."""
    one = cache(origin)
    with fake_exporter(one.site.exporter_socket) as exporter:
        for status in (404, 500, 503):
            exporter.status = status
            reply = one.get("/status")
            assert (reply.status, reply.body) == (status, b"hello\n")

    assert origin.requests == []


@pytest.mark.core
def test_only_the_allowed_see_it(cache: StartCache, origin: Origin) -> None:
    """An address that `status.allow` leaves out gets 403 with the setting's name; nginx.sock never."""
    one = cache(origin, status={"allow": ["192.0.2.0/24"]})
    with fake_exporter(one.site.exporter_socket) as exporter:
        for path in PATHS:
            reply = one.get(path)
            assert reply.status == 403
            assert "allow in [status]" in reply.line
            assert fetch(one.site.socket, path).status == 200
        one.apply({"status": {"allow": ["127.0.0.1"]}})
        assert one.get("/status").status == 200

    assert len(exporter.asked) == 5
    assert one.get("/nix-cache-info").status == 200


def test_a_lan_may_see_it(cache: StartCache, origin: Origin) -> None:
    """In mode "lan" private addresses are allowed, in others this machine alone is."""
    lan = cache(origin, mode="lan", start=False)
    local = cache(origin, start=False)
    for one in (lan, local):
        one.port = 8080
        one.write()

    assert [network for network in PRIVATE if f"allow {network};" not in lan.text] == []
    assert [network for network in PRIVATE if f"allow {network};" in local.text] == []


def test_disabled_it_does_not_exist(cache: StartCache, origin: Origin) -> None:
    """With `status.enable = false` its paths are like any unknown one, on nginx.sock too."""
    one = cache(origin, status={"enable": False})

    for path in (*PATHS, *NETWORK_ONLY_404):
        assert (one.get(path).status, fetch(one.site.socket, path).status) == (404, 404)
    assert "facts.json" not in one.rendering.files


@pytest.mark.core
def test_the_control_plane_asks_on_the_socket_only(cache: StartCache, origin: Origin) -> None:
    """/-/nginx and the probes do not exist on the network, and work on nginx.sock."""
    origin.files["/nix-cache-info"] = b"StoreDir: /nix/store\n"
    one = cache(origin)

    for path in NETWORK_ONLY_404:
        assert one.get(path).line == "not a path of a Nix binary cache"
    assert origin.requests == []

    assert b"Active connections: " in fetch(one.site.socket, "/-/nginx").body
    for _ in range(2):
        probed = fetch(one.site.socket, "/-/probe/a")
        assert (probed.status, probed.body) == (200, b"StoreDir: /nix/store\n")
    assert [request.path for request in origin.requests] == ["/nix-cache-info"] * 2


@pytest.mark.parametrize("status", [403, 404, 500, 503])
def test_a_probe_tells_what_the_upstream_said(
    cache: StartCache, origin: Origin, status: int
) -> None:
    """An upstream's refusal is not intercepted into the chain."""
    origin.fail(Fault(status=status))
    one = cache(origin)

    assert fetch(one.site.socket, "/-/probe/a").status == status


def test_a_probe_of_a_dead_upstream_is_a_bad_gateway(cache: StartCache, origin: Origin) -> None:
    """Nobody there is 502, soon."""
    origin.stop()
    one = cache(origin)

    assert fetch(one.site.socket, "/-/probe/a").status == 502


def test_looking_does_not_count_itself(cache: StartCache, origin: Origin) -> None:
    """What the page, a scraper and the exporter ask is not in the access log; a refusal is."""
    one = cache(origin, status={"allow": ["127.0.0.1"]})
    for path in PATHS:  # 503
        one.get(path)
    with fake_exporter(one.site.exporter_socket):
        for path in PATHS:
            one.get(path)
    for path in NETWORK_ONLY_404:
        fetch(one.site.socket, path)
    assert logged(one) == ""

    one.settings["status"] = {"allow": ["192.0.2.1"]}
    one.start()
    one.get("/status")
    assert logged(one).count("\n") == 1


def test_facts_tell_the_exporter_where_things_are(cache: StartCache, origin: Origin) -> None:
    """facts.json names the zones, sockets and upstreams as nginx has them, and the generation."""
    one = cache(origin, status={"paths": True, "path": "/seen"})
    facts = json.loads(one.rendering.files["facts.json"])

    assert facts["generation"] == one.rendering.generation
    assert facts["upstreams"] == [{"name": "a", "url": origin.url}]
    assert facts["status"] == {"path": "/seen", "allow": ["127.0.0.0/8", "::1"], "paths": True}
    assert facts["sockets"] == {"nginx": one.site.socket, "exporter": one.site.exporter_socket}
    assert [zone["directory"] for zone in facts["zones"]] == [
        one.plan.zones.metadata.directory,
        one.plan.zones.nar.directory,
    ]
    assert Path(facts["access_log"]).exists()
