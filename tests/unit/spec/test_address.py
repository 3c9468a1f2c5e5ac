"""Hosts, addresses and networks."""

import pytest

from passthru.spec.address import (
    check_host,
    check_interface,
    check_listen_address,
    check_network,
    check_own_host,
    check_redirect_host,
    check_url_host,
    is_loopback,
)
from passthru.spec.fault import BadValueError


@pytest.mark.parametrize(
    ("host", "normal"),
    [
        ("cache", "cache"),
        ("Cache.NixOS.org", "cache.nixos.org"),
        ("cache.nixos.org.", "cache.nixos.org"),
        ("my_cache", "my_cache"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("192.168.1.2", "192.168.1.2"),
        ("a" * 63 + ".org", "a" * 63 + ".org"),
        ("1.example", "1.example"),
    ],
)
def test_hosts_are_normalised(host: str, normal: str) -> None:
    """A host is lower case and has no last dot."""
    assert check_host(host) == normal


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("", "is empty"),
        (".", "is empty"),
        ("a..b", "is not a host name"),
        ("-a.org", "is not a host name"),
        ("a-.org", "is not a host name"),
        ("a b.org", "is not a host name"),
        ("a/b", "is not a host name"),
        ("a" * 64, "is not a host name"),
        (".".join(["a" * 60] * 5), "longer than 253"),
        ("256.1.1.1", "neither a host name nor"),
        ("127.1", "neither a host name nor"),
        ("2130706433", "neither a host name nor"),
        ("0x7f000001", "neither a host name nor"),
        ("127.0.0.01", "neither a host name nor"),
        ("bücher.example", "not an ASCII"),
    ],
)
def test_bad_hosts_are_refused(host: str, words: str) -> None:
    """Nothing is a host that a resolver would refuse or read as another address."""
    with pytest.raises(BadValueError, match=words):
        check_host(host)


def test_an_international_name_is_told_in_ascii() -> None:
    """The hint is the name to write."""
    with pytest.raises(BadValueError) as caught:
        check_host("bücher.example")
    assert caught.value.hint == 'write "xn--bcher-kva.example"'


@pytest.mark.parametrize(
    ("host", "normal"), [("[::1]", "::1"), ("[2001:DB8:0:0::1]", "2001:db8::1"), ("a.org", "a.org")]
)
def test_hosts_of_urls_have_brackets(host: str, normal: str) -> None:
    """An IPv6 address in a URL loses its brackets and has its shortest form."""
    assert check_url_host(host) == normal


@pytest.mark.parametrize(
    "host", ["[::1", "[]", "[a.org]", "[fe80::1%eth0]", "0.0.0.0", "[::]", "224.0.0.1", "[ff02::1]"]
)
def test_bad_hosts_of_urls_are_refused(host: str) -> None:
    """Nothing can be fetched from a zone, everybody or nobody."""
    with pytest.raises(BadValueError) as caught:
        check_url_host(host)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("http://cache.lan", "is a URL"),
        ("*.lan", "wildcard"),
        ("cache.lan:8080", "holds a port"),
        ("::1", "not a host name"),
    ],
)
def test_own_name_is_a_plain_host(host: str, words: str) -> None:
    """The name clients use is neither a URL, a wildcard nor host and port."""
    with pytest.raises(BadValueError, match=words):
        check_own_host(host)


@pytest.mark.parametrize(
    ("host", "normal"),
    [
        ("*.R2.dev", "*.r2.dev"),
        ("s3.example.org", "s3.example.org"),
        ("S3.example.org:09000", "s3.example.org:9000"),
        ("*.r2.dev:8443", "*.r2.dev:8443"),
    ],
)
def test_redirect_hosts_may_be_wildcards(host: str, normal: str) -> None:
    """A wildcard is the whole first label."""
    assert check_redirect_host(host) == normal


@pytest.mark.parametrize(
    "host",
    [
        "*",
        "*.",
        "*.dev",
        "*.1.2.3.4",
        "a.*.org",
        "*a.r2.dev",
        "https://a.org",
        "a.org/x",
        "**.a.b",
        "a.org:",
        "a.org:0",
        "a.org:65536",
        "a:b:1",
        ":1",
        "::1",
        "a.org:x",
    ],
)
def test_bad_redirect_hosts_are_refused(host: str) -> None:
    """No wildcard lets a whole registry in, and no URL is a host."""
    with pytest.raises(BadValueError):
        check_redirect_host(host)


@pytest.mark.parametrize(
    ("address", "normal"),
    [
        ("*", "*"),
        ("0.0.0.0", "0.0.0.0"),
        ("192.168.1.2", "192.168.1.2"),
        ("::", "::"),
        ("[::1]", "::1"),
        ("2001:DB8::0:1", "2001:db8::1"),
    ],
)
def test_listen_addresses_lose_their_brackets(address: str, normal: str) -> None:
    """An address is in its shortest form."""
    assert check_listen_address(address) == normal


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("localhost", "is not an IP address"),
        ("cache.lan", "is not an IP address"),
        ("", "is not an IP address"),
        ("127.0.0.1:80", "holds a port"),
        ("[::1]:80", "holds a port"),
        ("fe80::1%eth0", "holds a zone"),
        ("224.0.0.251", "nothing can listen"),
        ("127.0.0.1/8", "is not an IP address"),
    ],
)
def test_bad_listen_addresses_are_refused(address: str, words: str) -> None:
    """A name, a port or a zone in an address has its own advice."""
    with pytest.raises(BadValueError, match=words) as caught:
        check_listen_address(address)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("network", "normal"),
    [
        ("127.0.0.0/8", "127.0.0.0/8"),
        ("10.0.0.0/255.0.0.0", "10.0.0.0/8"),
        ("10.1.2.3", "10.1.2.3"),
        ("10.1.2.3/32", "10.1.2.3"),
        ("FE80::/10", "fe80::/10"),
        ("::1", "::1"),
        ("0.0.0.0/0", "0.0.0.0/0"),
    ],
)
def test_networks_are_normalised(network: str, normal: str) -> None:
    """One address has no prefix."""
    assert check_network(network) == normal


@pytest.mark.parametrize(
    ("network", "hint"),
    [
        ("10.0.0.1/8", 'write "10.0.0.0/8"'),
        ("fe80::1/10", 'write "fe80::/10"'),
        ("*", 'write "0.0.0.0/0" and "::/0"'),
        ("all", 'write "0.0.0.0/0" and "::/0"'),
        ("10.0.0.0/33", "write an address or a network"),
        ("cache.lan", "write an address or a network"),
        ("fe80::1%eth0", "write an address or a network"),
        ("", "write an address or a network"),
    ],
)
def test_bad_networks_are_refused(network: str, hint: str) -> None:
    """Bits after the prefix are told, for nginx would drop them with a warning."""
    with pytest.raises(BadValueError) as caught:
        check_network(network)
    assert caught.value.hint
    assert caught.value.hint.startswith(hint)


@pytest.mark.parametrize("name", ["eth0", "br-lan", "enp3s0.100", "wg_home", "a" * 15])
def test_interfaces(name: str) -> None:
    """What Linux may call an interface is accepted."""
    assert check_interface(name) == name


@pytest.mark.parametrize("name", ["", "a" * 16, "a b", "../eth0", ".", "-eth0", "été"])
def test_bad_interfaces(name: str) -> None:
    """What Linux refuses is refused (dev_valid_name)."""
    with pytest.raises(BadValueError, match="not the name of a network interface"):
        check_interface(name)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("cache.localhost", True),
        ("127.0.0.2", True),
        ("::1", True),
        ("192.168.1.2", False),
        ("notlocalhost", False),
        ("cache.org", False),
    ],
)
def test_loopback(host: str, loopback: bool) -> None:  # noqa: FBT001 (a table's column)
    """Loopback is RFC 6761's names and the addresses set aside for it."""
    assert is_loopback(host) is loopback
