"""What every instance answers by itself, and the types of what it passes on."""

import json

import pytest

from passthru import __version__
from tests.nginx.client import fetch
from tests.nginx.conftest import StartCache
from tests.nginx.origin import File, Origin
from tests.nginx.samples import DRV, HASH, NAR, NARINFO, narinfo

TYPES = {
    NARINFO: "text/x-nix-narinfo",
    NAR: "application/x-nix-nar",
    f"/{HASH}.ls": "application/json",
    f"/realisations/sha256:{'0' * 64}!out.doi": "application/json",
    f"/build-trace-v2/{DRV}/out.doi": "application/json",
    f"/debuginfo/{'0a' * 20}": "application/json",
    f"/log/{DRV}": "text/plain",
}


@pytest.mark.core
def test_the_cache_info_is_ours(cache: StartCache, origin: Origin) -> None:
    """/nix-cache-info comes from the spec, whatever the upstream's says, and nobody is asked."""
    origin.files["/nix-cache-info"] = b"StoreDir: /evil\nPriority: 1\n"
    info = {"priority": 17, "want_mass_query": False, "store_dir": "/gnu/store"}
    plain, other = cache(origin), cache(origin, nix_cache_info=info)

    replies = plain.get("/nix-cache-info"), other.get("/nix-cache-info")

    assert replies[0].body == b"StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 30\n"
    assert replies[1].body == b"StoreDir: /gnu/store\nWantMassQuery: 0\nPriority: 17\n"
    assert [reply.get("Content-Type") for reply in replies] == ["text/x-nix-cache-info"] * 2
    assert plain.head("/nix-cache-info").get("Content-Length") == str(len(replies[0].body))
    assert origin.requests == []


@pytest.mark.core
def test_health_tells_version_and_generation(cache: StartCache, origin: Origin) -> None:
    """/health is JSON with exactly the four fields, over TCP and over the unix socket."""
    origin.stop()
    one = cache(origin)

    for address in (one.address, one.site.socket):
        reply = fetch(address, "/health")
        assert json.loads(reply.body) == {
            "status": "ok",
            "cache": "passthru",
            "version": __version__,
            "generation": one.rendering.generation,
        }
        assert reply.get("Content-Type") == "application/json"
        assert reply.get("Cache-Control") in ("no-store", "no-cache", "no-cache, no-store")


def test_the_landing_page_is_for_people(cache: StartCache, origin: Origin) -> None:
    """/ is an HTML page that says what this is and which address to use."""
    one = cache(origin)

    reply = one.get("/")

    assert reply.status == 200
    assert (reply.get("Content-Type") or "").startswith("text/html")
    assert b"passthru" in reply.body
    assert one.plan.address.encode() in reply.body
    assert origin.requests == []


@pytest.mark.core
def test_every_kind_has_its_type(cache: StartCache, origin: Origin) -> None:
    """Types are those of the kind, whatever the upstream calls it, cold, warm and for HEAD."""
    wrong = (("Content-Type", "application/octet-stream"),)
    origin.files = {path: File(narinfo(), headers=wrong) for path in TYPES}
    one = cache(origin)

    for path, expected in TYPES.items():
        for reply in (one.get(path), one.get(path), one.head(path)):
            kind = (reply.get("Content-Type") or "").partition(";")[0]
            assert (reply.status, kind) == (200, expected), path


def test_a_log_is_utf8(cache: StartCache, origin: Origin) -> None:
    """A build log is text in UTF-8, so that a browser shows it right."""
    origin.files[f"/log/{DRV}"] = "café\n".encode()

    reply = cache(origin).get(f"/log/{DRV}")

    assert (reply.get("Content-Type") or "").lower() == "text/plain; charset=utf-8"
