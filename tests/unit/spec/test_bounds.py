"""Values beyond what nginx or Nix can work with."""

from collections.abc import Callable

import pytest

from passthru.spec import parse_spec


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[cache]\nsize = "63M"', 'cache.size: 63M is too small to work with; write "64M" or more'),
        (
            "[cache]\nmin_free = true",
            'cache.min_free: expected a size such as "200G", got true; write min_free = "5G"',
        ),
        (
            "[cache]\nmissing_ttl = true",
            (
                'cache.missing_ttl: expected a duration such as "30d", got true; '
                'write missing_ttl = "30s"'
            ),
        ),
        (
            "[cache]\nmissing_ttl = -1",
            (
                "cache.missing_ttl: is below zero; "
                'write whole numbers with y, w, d, h, m or s, such as "30d" or "1h30m"'
            ),
        ),
        ("[cache]\nsize = -1", 'cache.size: is below zero; write a size such as "200G"'),
        (
            '[cache]\nmin_free = "2000000T"',
            'cache.min_free: is above 1048576T; write a size such as "200G"',
        ),
        ('[cache]\ninactive = "59s"', 'cache.inactive: 59s is too short; write "1m" or more'),
        (
            '[cache]\ninactive = "101y"',
            "cache.inactive: is longer than 100 years; write 100y or less",
        ),
        ("[cache]\nnarinfo_ttl = 0", 'cache.narinfo_ttl: 0s is too short; write "1s" or more'),
        ('[cache]\nmissing_ttl = "0s"', 'cache.missing_ttl: 0s is too short; write "1s" or more'),
        (
            '[[upstreams]]\nurl = "https://a.org"\nconnect_timeout = "2h"',
            'upstreams[0].connect_timeout: 2h is too long; write "1h" or less',
        ),
        (
            '[[upstreams]]\nurl = "https://a.org"\nread_timeout = "2d"',
            'upstreams[0].read_timeout: 2d is too long; write "1d" or less',
        ),
        (
            "[nix_cache_info]\npriority = -1",
            "nix_cache_info.priority: is out of range; write a number from 0 to 1000",
        ),
        (
            "[nix_cache_info]\npriority = 1001",
            "nix_cache_info.priority: is out of range; write a number from 0 to 1000",
        ),
        ("[listen]\nport = 0", "listen.port: is out of range; write a number from 1 to 65535"),
        (
            "[listen]\ntls_port = 65536",
            "listen.tls_port: is out of range; write a number from 1 to 65535",
        ),
        (
            "[listen]\naddresses = []",
            "listen.addresses: is empty; name an address, or leave it out for the mode's own",
        ),
        (
            f'host_name = "{"a" * 1025}"',
            "host_name: is longer than 1024 bytes; write something shorter",
        ),
    ],
)
def test_values_out_of_bounds_are_refused(
    refuse: Callable[[str], list[str]], text: str, problem: str
) -> None:
    """Each bound says what to write."""
    assert refuse(text) == [problem]


@pytest.mark.parametrize(
    "text",
    [
        '[cache]\nsize = "64M"\nmin_free = 0\ninactive = "1m"\nnarinfo_ttl = 1\nmissing_ttl = "100y"',
        "[nix_cache_info]\npriority = 0",
        "[nix_cache_info]\npriority = 1000",
        "[listen]\nport = 1\ntls_port = 65535",
    ],
)
def test_bounds_are_within(text: str) -> None:
    """A bound itself is accepted."""
    parse_spec(text)
