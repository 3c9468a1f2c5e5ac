"""Values that are right alone and cannot stand together."""

from collections.abc import Callable

import pytest

from passthru.errors import SpecError
from passthru.spec import parse_spec

Refuse = Callable[[str], list[str]]

TLS = '[tls]\ncertificate = "/run/a"\ncertificate_key = "/run/b"\n'


def upstream(url: str, *lines: str) -> str:
    """Return the text of one upstream."""
    return "\n".join(("[[upstreams]]", f'url = "{url}"', *lines, ""))


def test_tls_needs_its_table(refuse: Refuse) -> None:
    """Mode "tls" without a certificate cannot work."""
    assert refuse('mode = "tls"') == [
        (
            'tls: is missing, and mode is "tls"; '
            "write [tls] with certificate and certificate_key, or another mode"
        )
    ]
    parse_spec(f'mode = "tls"\n{TLS}')


@pytest.mark.parametrize(
    ("listen", "key"),
    [("port = 443", "port"), ("tls_port = 80", "tls_port"), ("port = 1\ntls_port = 1", "tls_port")],
)
def test_http_and_https_have_their_own_ports(refuse: Refuse, listen: str, key: str) -> None:
    """The mode's defaults count too."""
    [problem] = refuse(f'mode = "tls"\n{TLS}[listen]\n{listen}')
    assert problem.startswith(f"listen.{key}: HTTP and HTTPS cannot share port")
    parse_spec(f'mode = "lan"\n[listen]\n{listen}')


def test_only_a_reachable_cache_is_announced(refuse: Refuse) -> None:
    """Announcing loopback would send the LAN nowhere."""
    [problem] = refuse("[mdns]\nenable = true")
    assert problem.startswith(
        "mdns.enable: would announce a cache that only this machine can reach"
    )
    parse_spec('[mdns]\nenable = true\n[listen]\naddresses = ["192.168.1.2"]')
    parse_spec('mode = "lan"\n[mdns]\nenable = true')


def test_the_number_of_upstreams_is_bounded(refuse: Refuse) -> None:
    """Nginx redirects ten times within a request; none at all is no cache."""
    assert refuse("upstreams = []") == [
        "upstreams: is empty; name an upstream, or leave it out for cache.nixos.org"
    ]
    eight = "".join(upstream(f"https://a{n}.org") for n in range(8))
    assert len(parse_spec(eight).upstreams) == 8
    [problem] = refuse(eight + upstream("https://a9.org"))
    assert problem.startswith("upstreams: has 9 upstreams, and nginx can ask 8")


def test_an_upstream_stands_once(refuse: Refuse) -> None:
    """Two ways to write a URL are one URL."""
    twice = upstream("https://a.org") + upstream("https://A.org:443/", 'name = "b"')
    assert refuse(twice) == [
        "upstreams[1].url: is the same as upstreams[0].url; remove one of the two"
    ]


def test_names_tell_upstreams_apart(refuse: Refuse) -> None:
    """A made name counts like a given one, and the problem is at what has to change."""
    made = upstream("https://a.org") + upstream("https://a.com")
    assert refuse(made) == [
        (
            'upstreams[1].url: makes the name "a", which is also that of upstreams[0]; '
            "give one of the two a name"
        )
    ]
    given = upstream("https://a.org") + upstream("https://b.org", 'name = "a"')
    assert refuse(given) == [
        'upstreams[1].name: "a" is also the name of upstreams[0]; give one of the two another name'
    ]
    parse_spec(made + 'name = "b"')


@pytest.mark.parametrize(
    ("head", "url"),
    [
        ("", "http://127.0.0.1:8080"),
        ("", "http://localhost:8080"),
        ("", "http://x.localhost:8080/path"),
        ("", "http://[::1]:8080"),
        ('mode = "lan"', "http://127.0.0.1"),
        ('mode = "lan"', "http://127.9.9.9"),
        ('mode = "lan"', "http://localhost"),
        ('mode = "lan"\nhost_name = "cache.lan"', "http://cache.lan"),
        ('mode = "lan"\nhost_name = "Cache.lan"', "http://cache.LAN:80/x"),
        ('mode = "lan"\n[listen]\naddresses = ["0.0.0.0"]', "http://127.0.0.1"),
        ('mode = "lan"\n[listen]\naddresses = ["::"]', "http://[::1]"),
        ('mode = "lan"\n[listen]\naddresses = ["192.168.1.2"]', "http://192.168.1.2"),
        (
            'mode = "lan"\n[listen]\naddresses = ["2001:DB8::0:1"]\nport = 81',
            "http://[2001:db8::1]:81",
        ),
        (f'mode = "tls"\nhost_name = "a.org"\n{TLS}', "https://a.org"),
        (f'mode = "tls"\nhost_name = "a.org"\n{TLS}', "http://a.org"),
        (f'mode = "tls"\n{TLS}', "https://localhost"),
        (f'mode = "tls"\n{TLS}[listen]\ntls_port = 8443', "https://localhost:8443"),
    ],
)
def test_a_cache_is_not_its_own_upstream(refuse: Refuse, head: str, url: str) -> None:
    """An upstream at our own name, address or loopback, on a port we listen on, is a loop."""
    [problem] = refuse(f"{head}\n{upstream(url)}")
    assert problem.startswith("upstreams[0].url: is this cache itself; ")


@pytest.mark.parametrize(
    ("head", "url"),
    [
        ("", "http://127.0.0.1:5000"),
        ("", "http://127.0.0.2:8080"),
        ("", "http://192.168.1.2:8080"),
        ('host_name = "a.org"', "https://a.org"),
        ('host_name = "a.org"', "http://b.a.org:8080"),
        ('mode = "lan"\n[listen]\naddresses = ["192.168.1.2"]', "http://localhost"),
        ('mode = "lan"\n[listen]\naddresses = ["192.168.1.2"]', "http://192.168.1.3"),
        ('[listen]\naddresses = ["127.0.0.1"]', "http://[::1]:8080"),
    ],
)
def test_a_neighbour_is_no_loop(head: str, url: str) -> None:
    """Another port, another address or another name is another cache."""
    parse_spec(f"{head}\n{upstream(url)}")


def test_loopback_behind_a_proxy_is_elsewhere(refuse: Refuse) -> None:
    """A tunnel's localhost is its other end, but our own name is ours from everywhere."""
    parse_spec(upstream("http://localhost:8080", 'proxy = "socks5h://127.0.0.1:1080"'))
    [problem] = refuse(
        'host_name = "a.org"\n'
        + upstream("http://a.org:8080", 'proxy = "socks5h://127.0.0.1:1080"')
    )
    assert problem.startswith("upstreams[0].url: is this cache itself")


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:8080", "http://u:p@a.org:8080"])
def test_a_cache_is_not_its_own_proxy(refuse: Refuse, proxy: str) -> None:
    """A proxy at our own address is a loop too."""
    [problem] = refuse('host_name = "a.org"\n' + upstream("https://b.org", f'proxy = "{proxy}"'))
    assert problem.startswith("upstreams[0].proxy: is this cache itself")


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('state_directory = "/data/cache"', "state_directory"),
        ('state_directory = "/data/cache/state"', "state_directory"),
        ('runtime_directory = "/data/cache/run"', "runtime_directory"),
        ('[nix_cache_info]\nstore_dir = "/data/cache/store"', "nix_cache_info.store_dir"),
        (
            '[tls]\ncertificate = "/data/cache/a"\ncertificate_key = "/data/b"',
            "tls.certificate",
        ),
        (
            '[tls]\ncertificate = "/data/a"\ncertificate_key = "/data/cache/b"',
            "tls.certificate_key",
        ),
        (upstream("https://a.org", 'ca_file = "/data/cache/a"'), "upstreams[0].ca_file"),
        (
            upstream("https://a.org", 'credentials_file = "/data/cache/a"'),
            "upstreams[0].credentials_file",
        ),
    ],
)
def test_nothing_else_is_kept_in_the_cache(refuse: Refuse, text: str, where: str) -> None:
    """Nginx removes files that it did not make from its cache's directory."""
    [problem] = refuse(f'{text}\n[cache]\ndirectory = "/data/cache"')
    assert problem.startswith(f"{where}: lies in cache.directory")
    parse_spec(f'{text}\n[cache]\ndirectory = "/data/cache2"')


def test_a_name_that_begins_like_the_cache_is_beside_it() -> None:
    """Directories are compared by their parts."""
    parse_spec('state_directory = "/data/cache-state"\n[cache]\ndirectory = "/data/cache"')


def test_all_conflicts_are_told_beside_all_other_problems(refuse: Refuse) -> None:
    """One wrong value hides no conflict among the others, and makes up none."""
    text = (
        'mode = "tls"\nhost_name = "a.org"\nfoo = 1\n[listen]\nport = 443\n[cache]\nsize = "x"\n'
        + upstream("https://b.org", 'proxy = "nonsense"')
        + upstream("https://b.org")
        + upstream("ftp://b.org")
        + upstream("https://b.com", "read_timeout = 0")
    )
    assert [line.split(": ")[0] for line in refuse(text)] == [
        "foo",
        "listen.port",
        "cache.size",
        "upstreams[0].proxy",
        "upstreams[1].url",
        "upstreams[2].url",
        "upstreams[3].url",
        "upstreams[3].read_timeout",
        "tls",
    ]


@pytest.mark.parametrize(
    ("text", "wheres"),
    [
        ('mode = "tls"\n[tls]\ncertificate = "a"', ["tls.certificate", "tls.certificate_key"]),
        (
            'mode = "tls"\ntls = { certificate = 1, certificate_key = "/b" }\n[listen]\nport = 443',
            ["tls.certificate", "listen.port"],
        ),
        ('mode = "tls"\ntls = 1', ["tls"]),
        ('mode = "tlss"\n[listen]\nport = 443', ["mode"]),
        ("[mdns]\nenable = true\n[listen]\naddresses = [1]", ["listen.addresses[0]"]),
        ("upstreams = 1", ["upstreams"]),
        ("upstreams = [1, 2]", ["upstreams[0]", "upstreams[1]"]),
        ("[[upstreams]]\n[[upstreams]]", ["upstreams[0].url", "upstreams[1].url"]),
        (
            "[listen]\nport = 0\n" + upstream("http://localhost:8080"),
            ["listen.port"],
        ),
        (
            upstream("https://a.org", 'public_keys = ["x"]') + upstream("https://a.org"),
            ["upstreams[0].public_keys[0]", "upstreams[1].url"],
        ),
        (
            upstream("https://a.org") + upstream("https://a.com", 'name = "B"'),
            ["upstreams[1].name"],
        ),
        (
            upstream("https://a.org/x y") + upstream("https://a.org"),
            ["upstreams[0].url"],
        ),
        ("[[upstreams]]\n" * 9, ["upstreams", *[f"upstreams[{n}].url" for n in range(9)]]),
    ],
)
def test_no_conflict_is_made_up(refuse: Refuse, text: str, wheres: list[str]) -> None:
    """A conflict that depends on a wrong value is not told."""
    assert [line.split(": ")[0] for line in refuse(text)] == wheres


@pytest.mark.parametrize(
    "upstreams",
    [
        '[[upstreams]]\nurl = "http://a.example"\nname = "lan"\n',
        "".join(f'[[upstreams]]\nurl = "http://a{n}.example"\n' for n in range(8)),
    ],
)
def test_following_has_a_name_and_a_place(upstreams: str) -> None:
    """The caches of the LAN are one upstream more, and are called "lan"."""
    parse_spec(upstreams)
    with pytest.raises(SpecError, match=r"(?i)lan"):
        parse_spec(f"{upstreams}[lan]\nfollow = true\n")
