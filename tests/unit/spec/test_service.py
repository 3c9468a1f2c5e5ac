"""Service types that a cache may be announced as."""

import pytest

from passthru.errors import SpecError
from passthru.spec import parse_spec


@pytest.mark.parametrize("text", ["_nix-serve._tcp", "_nix_binary_cache._tcp", "_a._tcp.local."])
def test_a_type_in_use_is_taken(text: str) -> None:
    """Both of those that other caches have, one of which is longer than DNS-SD allows."""
    assert parse_spec(f'[mdns]\nalso = ["{text}"]').mdns.also == (text.removesuffix(".local."),)


@pytest.mark.parametrize(
    "text", ["", "http", "_http._tcp", "_x._udp", "_._tcp", "_a.b._tcp", "_-._tcp"]
)
def test_anything_else_is_refused(text: str) -> None:
    """What is announced anyway too, with what to write."""
    with pytest.raises(SpecError) as caught:
        parse_spec(f'[mdns]\nalso = ["{text}"]')

    assert caught.value.problems[0].hint
