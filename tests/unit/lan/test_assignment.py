"""The file that the sidecar is told by, from the spec to the announcement."""

import json
from dataclasses import replace

import pytest

from passthru.errors import PassthruError
from passthru.lan.assignment import parse_assignment
from passthru.nginx.lan import is_announced, loop_token, plan_lan, write_lan
from passthru.nginx.site import Site
from passthru.spec import Spec, parse_spec
from tests.golden.test_golden import MACHINE

SITE = Site(state="/var/lib/passthru", runtime="/run/passthru", cache="/var/cache/passthru")
KEY = "cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY="


def spec_of(text: str) -> Spec:
    """Return the spec of some lines."""
    return parse_spec(text)


def test_a_lan_cache_is_announced_whole() -> None:
    """What the spec says arrives at the one who announces."""
    spec = spec_of('mode = "lan"\n[mdns]\nalso = ["_nix-serve._tcp"]\ninterfaces = ["eth0"]\n')
    found = parse_assignment(write_lan(plan_lan(spec, MACHINE, SITE)))
    announced = found.announcement

    assert announced is not None
    assert (announced.name, announced.host, announced.port) == ("Nix cache on shelf", "shelf", 80)
    assert announced.types == ("_http._tcp.local.", "_nix-serve._tcp.local.")
    assert (announced.told.priority, announced.told.keys) == (30, (KEY,))
    assert (announced.told.url, announced.told.identity) == (None, None)
    assert (found.interfaces, found.listening) == (("eth0",), ("*",))


def test_a_tls_cache_is_announced_as_one() -> None:
    """By its https URL, for which alone its certificate is good."""
    spec = spec_of(
        'mode = "tls"\nhost_name = "cache.example.org"\n[mdns]\nenable = true\n'
        '[tls]\ncertificate = "/c"\ncertificate_key = "/k"\n'
    )
    announced = parse_assignment(write_lan(plan_lan(spec, MACHINE, SITE))).announcement

    assert announced is not None
    assert announced.types == ("_https._tcp.local.",)
    assert (announced.host, announced.port) == ("shelf", 443)
    assert announced.told.url == "https://cache.example.org"


@pytest.mark.parametrize(
    ("text", "announced"),
    [
        ("", False),
        ('mode = "lan"', True),
        ('mode = "lan"\n[mdns]\nenable = false', False),
        ('mode = "lan"\n[listen]\naddresses = ["127.0.0.1"]', False),
        ('[listen]\naddresses = ["192.168.1.2"]\n[mdns]\nenable = true', True),
    ],
)
def test_what_serves_a_lan_is_announced(text: str, *, announced: bool) -> None:
    """By default those caches that a LAN can reach, and no others."""
    assert is_announced(spec_of(text)) is announced


def test_a_name_has_no_dot() -> None:
    """To many a program it would end the label."""
    announced = plan_lan(
        spec_of('mode = "lan"\n[mdns]\nname = "v1.2 on %h"'), MACHINE, SITE
    ).announce

    assert announced is not None
    assert announced.name == "v1-2 on shelf"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"announce": 1}', json.dumps({"announce": {}})])
def test_a_strange_file_is_refused(text: str) -> None:
    """What the sidecar does stays as it is then."""
    with pytest.raises(PassthruError, match=r"lan\.json"):
        parse_assignment(text)


def test_a_laptop_follows() -> None:
    """Its keys are those of the upstreams, unless it names others; and its cache is small."""
    spec = spec_of("[lan]\nfollow = true\n")
    plan = plan_lan(spec, MACHINE, SITE)
    found = parse_assignment(write_lan(plan)).following
    other = plan_lan(
        spec_of(f'[lan]\nfollow = true\npublic_keys = ["b-{KEY[16:]}"]'), MACHINE, SITE
    )

    assert found is not None
    assert [str(key) for key in found.keys] == [KEY]
    assert found.socket == "/run/passthru/lan.sock"
    assert spec.cache.size == 2 << 30
    assert spec_of('[lan]\nfollow = true\n[cache]\nsize = "9G"').cache.size == 9 << 30
    assert plan.follow is not None
    assert other.follow is not None
    assert plan.follow.key != other.follow.key  # what was believed before is not served now


def test_instances_of_one_machine_have_different_tokens() -> None:
    """Two caches of one machine may be each other's upstream, and are no loop."""
    other = replace(SITE, state="/srv/other")

    assert loop_token(MACHINE, SITE) == f"passthru-{MACHINE.instance}"
    assert loop_token(MACHINE, other) != loop_token(MACHINE, SITE)
