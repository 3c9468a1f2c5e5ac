"""Keys that a spec does not have."""

from collections.abc import Callable

import pytest


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("hots_name = 1", "hots_name: is not a key here; write host_name"),
        ("hostName = 1", "hostName: is not a key here; write host_name"),
        ("nix-cache-info = 1", "nix-cache-info: is not a key here; write nix_cache_info"),
        ("[cache]\nsiez = 1", "cache.siez: is not a key here; write size"),
        ("[cache]\nmax_size = 1", "cache.max_size: is not a key here; write size"),
        ("port = 80", "port: is not a key here; write port under [listen]"),
        ('url = "x"', "url: is not a key here; write url under [[upstreams]]"),
        ("directory = 1", "directory: is not a key here; write directory under [cache]"),
        ("priorty = 1", "priorty: is not a key here; write priority under [nix_cache_info]"),
        ("enable = 1", "enable: is not a key here; write enable under [mdns] or under [status]"),
        (
            '[cache]\nmode = "lan"',
            "cache.mode: is not a key here; write mode before the first [table]",
        ),
        (
            "[lan]\nxyzzy = 1",
            "lan.xyzzy: is not a key here; known here: follow, names, networks, public_keys",
        ),
        ('{"port": 80}', 'port: is not a key here; write port in "listen"'),
        (
            '{"cache": {"mode": "lan"}}',
            "cache.mode: is not a key here; write mode in the outermost object",
        ),
        (
            '{"lan": {"a b": 1}}',
            'lan."a b": is not a key here; known here: follow, names, networks, public_keys',
        ),
        (
            '{"lan": {"": 1}}',
            'lan."": is not a key here; known here: follow, names, networks, public_keys',
        ),
        (
            '{"lan": {"a\\nb": 1}}',
            'lan."a\\nb": is not a key here; known here: follow, names, networks, public_keys',
        ),
        (
            "[[upstreams]]\nurl = 'https://a.org'\nkeys = []",
            (
                "upstreams[0].keys: is not a key here; "
                "known here: url, name, proxy, public_keys, redirect_hosts, connect_timeout, "
                "read_timeout, ca_file, credentials_file"
            ),
        ),
    ],
)
def test_unknown_keys_are_told_the_known_one(
    refuse: Callable[[str], list[str]], text: str, problem: str
) -> None:
    """The nearest key of the table, or the table that has this key, or all that are known."""
    assert refuse(text) == [problem]


def test_a_long_key_is_cut(refuse: Callable[[str], list[str]]) -> None:
    """A key of a megabyte makes no message of a megabyte."""
    [line] = refuse(f"{'a' * 100_000} = 1")
    assert line.startswith(f'"{"a" * 64}": is not a key of a spec; known here: mode, ')
    assert len(line) < 300
