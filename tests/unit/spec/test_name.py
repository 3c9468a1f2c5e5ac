"""Names of upstreams and of the cache on the LAN."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passthru.spec.fault import BadValueError
from passthru.spec.name import check_mdns_name, check_name, make_name
from passthru.spec.url import check_upstream_url


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://cache.nixos.org", "nixos"),
        ("https://www.example.org", "example"),
        ("https://nix-community.cachix.org", "nix-community-cachix"),
        ("https://cache.org", "cache"),
        ("http://localhost:5000", "localhost-5000"),
        ("http://cache", "cache"),
        ("http://nas.local", "nas"),
        ("http://127.0.0.1:8080", "127-0-0-1-8080"),
        ("http://192.168.1.2", "192-168-1-2"),
        ("http://[2001:db8::1]:81", "2001-db8-1-81"),
        ("https://a.org:8443/team/x", "a-8443-team-x"),
        ("https://mirrors.ustc.edu.cn/nix-channels/store", "mirrors-ustc-nix-channels-store"),
        ("https://co.uk", "co"),
        ("http://my_cache", "my-cache"),
        ("http://_", "upstream"),
        (
            "https://mirrors.tuna.tsinghua.edu.cn/nix-channels/store",
            "mirrors-tuna-tsinghua-nix-d904",
        ),
        (f"https://{'a' * 50}.org", f"{'a' * 27}-c141"),
    ],
)
def test_names_are_made_from_urls(url: str, name: str) -> None:
    """A name keeps what tells one host from others; a long one ends in digits of its own."""
    assert make_name(url) == name


@settings(deadline=None)
@given(
    st.from_regex(
        r"https?://[a-z0-9_-]{1,60}(\.[a-z0-9_-]{1,40}){0,3}(/[\w~.-]{1,30}){0,3}", fullmatch=True
    )
)
def test_made_names_are_names(url: str) -> None:
    """Whatever URL is accepted, its name is too."""
    try:
        normal = check_upstream_url(url)
    except BadValueError:
        return
    assert check_name(make_name(normal)) == make_name(normal)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("", 'write a name such as "nixos"'),
        ("NixOS", 'write "nixos"'),
        ("my cache", 'write "my-cache"'),
        ("-a", 'write "a"'),
        ("é", 'write a name such as "nixos"'),
        ("a" * 33, f'write "{"a" * 32}"'),
    ],
)
def test_bad_names_are_refused(name: str, hint: str) -> None:
    """The hint is the nearest name that is one."""
    with pytest.raises(BadValueError, match="is not a name") as caught:
        check_name(name)
    assert caught.value.hint == hint


@pytest.mark.parametrize("name", ["Nix cache on %h", "%h", "Büro", "a" * 63])
def test_mdns_names(name: str) -> None:
    """A name people see may hold spaces and letters of any script."""
    assert check_mdns_name(name) == name


@pytest.mark.parametrize("name", ["", " a", "a ", "a" * 64, "é" * 32, "100%", "%%", "%H", "%%h"])
def test_bad_mdns_names_are_refused(name: str) -> None:
    """A DNS-SD label has 63 bytes, and % is for %h alone."""
    with pytest.raises(BadValueError) as caught:
        check_mdns_name(name)
    assert caught.value.hint
