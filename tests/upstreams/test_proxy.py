"""The address of a proxy."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passthru.errors import PassthruError, ProxyError
from passthru.spec.fault import BadValueError
from passthru.spec.url import check_proxy_url, take_apart
from passthru.upstreams.proxy import ProxyAddress, Scheme
from passthru.upstreams.tunnel import parse_tunnels
from tests.upstreams.proxies import ENCODED, PASSWORD, USER


def test_parts_are_decoded() -> None:
    """What had to be encoded in a URL is sent as it was meant."""
    proxy = ProxyAddress.parse(f"socks5h://{ENCODED}@proxy.test:1080")

    assert (proxy.scheme, proxy.host, proxy.port) == (Scheme.SOCKS5H, "proxy.test", 1080)
    assert (proxy.user, proxy.password) == (USER.encode(), PASSWORD.encode())


def test_no_credentials_are_none() -> None:
    """A proxy without a user is not told of one."""
    proxy = ProxyAddress.parse("http://[::1]:3128")

    assert (proxy.host, proxy.user, proxy.basic) == ("::1", None, None)
    assert str(proxy) == "http://[::1]:3128"


def test_a_password_is_in_no_text_of_it() -> None:
    """Logs and tracebacks may print it as they like."""
    proxy = ProxyAddress.parse(f"socks5://{ENCODED}@proxy.test:1080")

    assert not any("S3CRET" in text for text in (str(proxy), repr(proxy), f"{proxy}", f"{[proxy]}"))
    assert USER not in repr(proxy)


@pytest.mark.parametrize(
    "url",
    [
        f"http://us%3Aer:{PASSWORD[:0]}S3CRET@p.test:1",
        f"socks5://{'u' * 256}:S3CRET@p.test:1",
        f"socks5h://u:S3CRET{'p' * 255}@p.test:1",
        "socks5h://:S3CRET@p.test:1",
    ],
)
def test_credentials_that_cannot_be_sent_are_refused(url: str) -> None:
    """RFC 7617 knows no colon in a user name, RFC 1929 no more than 255 bytes."""
    with pytest.raises(ProxyError) as error:
        ProxyAddress.parse(url)

    assert "S3CRET" not in str(error.value)


@given(st.text(alphabet="htpsock5://@:[]%.a1Z-_~!2F", max_size=40))
def test_it_reads_what_the_spec_reads(text: str) -> None:
    """Two parsers that disagree about where a host ends send a password to the wrong one."""
    try:
        url = check_proxy_url(text)
    except BadValueError:
        return
    spec = take_apart(url)
    try:
        proxy = ProxyAddress.parse(url)
    except ProxyError:
        return

    assert (proxy.scheme, proxy.host, proxy.port) == (spec.scheme, spec.host, spec.port)
    assert (proxy.user is None) == (spec.credentials is None)


@given(
    st.sampled_from(["http", "socks5", "socks5h"]),
    st.sampled_from(["", "u@", "u:@", "u:p@", "u:p:q@", "%41:%3a@", ENCODED + "@"]),
    st.sampled_from(["a.test", "A.TEST", "127.0.0.1", "[::1]", "[2001:DB8::1]"]),
    st.sampled_from(["", ":1", ":65535"]),
)
def test_it_reads_every_form_that_the_spec_accepts(
    scheme: str, who: str, host: str, port: str
) -> None:
    """And to the same host and port."""
    url = check_proxy_url(f"{scheme}://{who}{host}{port}")
    spec, proxy = take_apart(url), ProxyAddress.parse(url)

    assert (proxy.scheme, proxy.host, proxy.port) == (spec.scheme, spec.host, spec.port)


@pytest.mark.parametrize("text", ["", "{}", "[1]", "null", '[{"proxy":"socks5://u:S3CRET@h:1"}]'])
def test_a_strange_list_is_refused_without_showing_it(text: str) -> None:
    """It may be half written, and it holds passwords."""
    if text == "{}":
        assert parse_tunnels(text) == ()
        return
    with pytest.raises(PassthruError) as error:
        parse_tunnels(text)

    assert "S3CRET" not in str(error.value)
    assert error.value.__cause__ is None


def test_a_list_is_read() -> None:
    """As passthru renders it."""
    record = {
        "name": "a",
        "socket": "/run/a.sock",
        "proxy": "socks5://[::1]:9",
        "host": "2001:db8::1",
        "port": 443,
        "connect_timeout": 5,
    }
    (tunnel,) = parse_tunnels(json.dumps([record]))

    assert (tunnel.name, tunnel.socket, tunnel.seconds) == ("a", "/run/a.sock", 5.0)
    assert str(tunnel.target) == "[2001:db8::1]:443"
