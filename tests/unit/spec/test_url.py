"""URLs of upstreams and proxies."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passthru.spec.fault import BadValueError
from passthru.spec.text import check_text
from passthru.spec.url import check_proxy_url, check_upstream_url, take_apart


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("https://cache.nixos.org", "https://cache.nixos.org"),
        ("https://cache.nixos.org/", "https://cache.nixos.org"),
        ("HTTPS://Cache.NixOS.org", "https://cache.nixos.org"),
        ("https://cache.nixos.org:443", "https://cache.nixos.org"),
        ("http://cache.nixos.org:80/", "http://cache.nixos.org"),
        ("https://cache.nixos.org:80", "https://cache.nixos.org:80"),
        ("https://a.org:08443", "https://a.org:8443"),
        ("https://a.org/nix-channels/store/", "https://a.org/nix-channels/store"),
        ("https://a.org/A~b_c-d.e", "https://a.org/A~b_c-d.e"),
        ("http://192.168.1.2:5000", "http://192.168.1.2:5000"),
        ("http://[2001:DB8::1]", "http://[2001:db8::1]"),
        ("http://[::1]:5000/x", "http://[::1]:5000/x"),
        ("http://cache.local.", "http://cache.local"),
    ],
)
def test_upstream_urls_have_one_form(url: str, normal: str) -> None:
    """Case, default ports and a last slash do not make two upstreams of one."""
    assert check_upstream_url(url) == normal
    assert check_upstream_url(normal) == normal


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "is not a URL"),
        ("cache.nixos.org", "is not a URL"),
        ("https:/cache.nixos.org", "is not a URL"),
        ("s3://bucket", "scheme"),
        ("file:///nix", "scheme"),
        ("https://", "is empty"),
        ("https:///path", "is empty"),
        ("https://user@a.org", "credentials"),
        ("https://user:pass@a.org", "credentials"),
        ("https://a.org?priority=10", "query"),
        ("https://a.org/x?", "query"),
        ("https://a.org:0", "port"),
        ("https://a.org:65536", "port"),
        ("https://a.org:http", "port"),
        ("https://a.org:", "port"),
        ("https://a.org:-1", "port"),
        ("http://::1:8080", "without brackets"),
        ("http://::1", "without brackets"),
        ("https://a.org//x", "path"),
        ("https://a.org/x//", "path"),
        ("https://a.org/a%20b", "path"),
        ("https://a.org/a b", "path"),
        ("https://a.org/é", "path"),
        ("https://a.org/../x", '".."'),
        ("https://a.org/./x", '"."'),
        ("https://a.org/x/..", '".."'),
        ("https://a.org/nix-cache-info", "URL of a file"),
        ("https://10.0.0.1", "verifies names only"),
        ("https://[::1]", "verifies names only"),
        ("https://a b", "not a host name"),
        ("http://0.0.0.0", "nothing can be fetched"),
    ],
)
def test_bad_upstream_urls_are_refused(url: str, words: str) -> None:
    """What nginx could not fetch from, or would fetch elsewhere, is refused with advice."""
    with pytest.raises(BadValueError, match=words) as caught:
        check_upstream_url(url)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("socks5h://127.0.0.1:1080", "socks5h://127.0.0.1:1080"),
        ("SOCKS5://Proxy", "socks5://proxy:1080"),
        ("http://proxy:3128/", "http://proxy:3128"),
        ("http://proxy", "http://proxy:80"),
        ("http://user:p%40ss@proxy:3128", "http://user:p%40ss@proxy:3128"),
        ("http://user@[::1]:3128", "http://user@[::1]:3128"),
    ],
)
def test_proxy_urls_have_a_port(url: str, normal: str) -> None:
    """The port is always there, and the credentials are as written."""
    assert check_proxy_url(url) == normal
    assert check_proxy_url(normal) == normal


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:1080",
        "https://proxy:3128",
        "socks4://proxy:1080",
        "socks://proxy:1080",
        "http://proxy:3128/path",
        "http://proxy:3128?x",
        "http://us er:pass@proxy:1",
        "http://user:p%4@proxy:1",
        "http://user:p@ss@proxy:1",
        "http://user:pa/ss@proxy:1",
        "http://@proxy:1",
        "http://us%3aer:pass@proxy:1",
        "socks5://:pass@proxy:1",
        f"socks5h://user:{'p' * 256}@proxy:1",
        f"socks5h://{'%75' * 256}@proxy:1",
        "http://user:pass@",
        "http://proxy:99999",
    ],
)
def test_bad_proxy_urls_are_refused(url: str) -> None:
    """A proxy is http, socks5 or socks5h, with credentials percent-encoded."""
    with pytest.raises(BadValueError) as caught:
        check_proxy_url(url)
    assert caught.value.hint


def test_parts() -> None:
    """A URL comes apart into what a plan needs."""
    url = take_apart("http://[::1]:5000/a/b")
    assert (url.scheme, url.host, url.bracketed, url.port, url.path) == (
        "http",
        "::1",
        "[::1]",
        5000,
        "/a/b",
    )


_LABELS = st.from_regex(r"[a-z0-9_]([a-z0-9_-]{0,8}[a-z0-9_])?", fullmatch=True)
_WORDS = st.from_regex(r"[A-Za-z0-9._~-]{1,8}", fullmatch=True)


@settings(deadline=None)
@given(
    scheme=st.sampled_from(["http", "https", "HTTP", "Https"]),
    labels=st.lists(_LABELS, min_size=1, max_size=4),
    port=st.none() | st.integers(1, 65535),
    path=st.lists(_WORDS, max_size=4),
    slash=st.booleans(),
)
def test_accepted_urls_stay(
    scheme: str,
    labels: list[str],
    port: int | None,
    path: list[str],
    slash: bool,  # noqa: FBT001 (hypothesis fills it in)
) -> None:
    """The normal form of an accepted URL is its own normal form and comes apart the same."""
    place = ".".join(labels) + ("" if port is None else f":{port}")
    try:
        normal = check_upstream_url(f"{scheme}://{place}/{'/'.join(path)}{'/' * slash}")
    except BadValueError:
        return
    assert check_upstream_url(normal) == normal
    assert take_apart(normal) == take_apart(check_upstream_url(normal))
    assert not normal.endswith("/")
    assert check_text(normal) == normal


@settings(deadline=None)
@given(
    st.text(max_size=40) | st.text(alphabet="htps:/.a1@[]?%-", max_size=30).map("http://".__add__)
)
def test_any_text_is_a_url_or_refused(text: str) -> None:
    """No text makes a check raise anything but BadValueError, and what is accepted stays."""
    for check in (check_upstream_url, check_proxy_url):
        try:
            normal = check(text)
        except BadValueError:
            continue
        assert check(normal) == normal


@settings(deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8"), min_size=1, max_size=12))
def test_passwords_are_in_no_error(password: str) -> None:
    """Whatever a password holds, an error says nothing of it."""
    marked = f"hunter2{password}hunter2"
    try:
        check_proxy_url(check_text(f"http://user:{marked}@proxy:1"))
        check_upstream_url(f"http://user:{marked}@host")
    except BadValueError as error:
        assert "hunter2" not in f"{error}{error.hint}"  # noqa: PT017 (both outcomes are right)
