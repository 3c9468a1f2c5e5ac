"""From a file to a spec, or to all that is wrong with it."""

import errno
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passthru.errors import SpecError
from passthru.spec import Mode, Spec, load_spec, parse_spec, read_spec_text
from passthru.spec.load import LARGEST

Refuse = Callable[[str], list[str]]

NIX_BINARY_CACHE = """
[[upstreams]]
url = "https://mirrors.ustc.edu.cn/nix-channels/store"

[[upstreams]]
url = "https://mirror.sjtu.edu.cn/nix-channels/store"
proxy = ""

[[upstreams]]
url = "https://cache.nixos.org/"
proxy = "http://host.docker.internal:1080"
"""

DESIGN = """
mode = "local"
host_name = "cache.example.org"
on_outage = "error"
state_directory = "/var/lib/passthru"
runtime_directory = "/run/passthru"

[listen]
addresses = ["*"]
port = 80
tls_port = 443

[tls]
certificate = "/run/keys/cache.pem"
certificate_key = "/run/keys/cache.key"

[cache]
directory = "/var/cache/passthru"
size = "200G"
min_free = "5G"
inactive = "365d"
narinfo_ttl = "1d"
missing_ttl = "30s"

[[upstreams]]
url = "https://cache.nixos.org"
name = "nixos"
proxy = "socks5h://user:pass@127.0.0.1:1080"
public_keys = ["cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY="]
redirect_hosts = ["*.r2.dev"]
connect_timeout = "5s"
read_timeout = "60s"
ca_file = "/etc/ssl/own-ca.pem"
credentials_file = "/run/keys/upstream"

[nix_cache_info]
priority = 30
want_mass_query = true
store_dir = "/nix/store"

[mdns]
enable = true
name = "Nix cache on %h"
interfaces = []

[lan]
follow = false

[peers]
discover = false
urls = []

[status]
enable = true
path = "/status"
allow = ["127.0.0.0/8", "::1"]
paths = false
"""


def test_no_file_is_the_empty_spec() -> None:
    """Without a file everything is default."""
    assert load_spec(None) == Spec()


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "{}", " {} \n"])
def test_an_empty_file_is_the_empty_spec(text: str) -> None:
    """A spec that says nothing is valid in both notations."""
    assert parse_spec(text) == Spec()


def test_the_whole_design_is_a_spec() -> None:
    """Every key of the design's example is known, with its value."""
    spec = parse_spec(DESIGN)
    assert spec.upstreams[0].proxy == "socks5h://user:pass@127.0.0.1:1080"
    assert spec.status.allow == ("127.0.0.0/8", "::1")
    assert spec.model_dump(exclude_defaults=True).keys() >= {"listen", "tls", "mdns"}


def test_json_and_toml_say_the_same() -> None:
    """The notations differ in nothing but looks."""
    assert parse_spec('{"mode": "lan", "cache": {"size": "1G"}}') == parse_spec(
        'mode = "lan"\n[cache]\nsize = "1G"'
    )


def test_the_spec_of_nix_binary_cache_is_one() -> None:
    """Its users keep their file, empty proxies included."""
    spec = parse_spec(NIX_BINARY_CACHE)
    assert [(upstream.name, upstream.proxy) for upstream in spec.upstreams] == [
        ("mirrors-ustc-nix-channels-store", None),
        ("mirror-sjtu-nix-channels-store", None),
        ("nixos", "http://host.docker.internal:1080"),
    ]


def test_the_notation_is_known_by_name_or_brace(tmp_path: Path) -> None:
    """A .json file is JSON even when it is empty, and a brace begins JSON under any name."""
    for name, text in {"a.json": "", "b.json": '{"mode": "lan"}', "c": '\n{"mode": "lan"}'}.items():
        (tmp_path / name).write_text(text)
    assert load_spec(tmp_path / "a.json") == Spec()
    assert load_spec(tmp_path / "b.json").mode is Mode.LAN
    assert load_spec(tmp_path / "c").mode is Mode.LAN
    (tmp_path / "d.json").write_text('mode = "lan"')
    with pytest.raises(SpecError, match="line 1, column 1: has no value"):
        load_spec(tmp_path / "d.json")


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    """Editors of other systems write one."""
    (tmp_path / "spec").write_bytes(b'\xef\xbb\xbfmode = "lan"\r\n')
    assert load_spec(tmp_path / "spec").mode is Mode.LAN


def test_problems_name_the_file(tmp_path: Path) -> None:
    """Each line of the message begins with the file."""
    path = tmp_path / "spec.toml"
    path.write_text("foo = 1\nbar = 2")
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    assert caught.value.source == str(path)
    assert [line.split(": ")[:2] for line in str(caught.value).split("\n")] == [
        [str(path), "foo"],
        [str(path), "bar"],
    ]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """Each reason has its own words, and none is a traceback."""
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "latin").write_bytes(b'mode = "lan"\nhost_name = "k\xf6ln"')
    (tmp_path / "big").write_bytes(b"#" * (LARGEST + 1))
    (tmp_path / "file").write_bytes(b"#" * LARGEST)
    for name, words in {
        "missing": "there is no such file; passthru init writes one",
        "file/x": "there is no such file; a part of its path is not a directory",
        "": "is a directory; name the file in it",
        "loop": "is a symbolic link to itself; name the file that is meant",
        "a" * 300: "has a name too long for a file; name the file that is meant",
        "nul\0": "is not the name of a file",
        "latin": "is not UTF-8 in line 2; save it as UTF-8",
        "big": "is larger than 1 MiB, and not a spec; name the file that is meant",
    }.items():
        with pytest.raises(SpecError) as caught:
            load_spec(tmp_path / name)
        assert [str(problem) for problem in caught.value.problems] == [words]
    assert len(read_spec_text(tmp_path / "file")) == LARGEST


def test_endless_files_are_not_read_to_their_end() -> None:
    """A device that never ends is larger than 1 MiB."""
    with pytest.raises(SpecError, match="larger than 1 MiB"):
        load_spec(Path("/dev/zero"))


def test_permission_denied_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may read everything, so the kernel's answer is played."""

    def deny(*_args: object, **_options: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", deny)
    with pytest.raises(SpecError, match=r"may not be read by this user; chmod a\+r"):
        load_spec(Path("/spec"))


def test_wrong_types_are_told_in_the_words_of_the_notation(refuse: Refuse) -> None:
    """TOML has integers and tables, JSON numbers and objects."""
    assert refuse(
        'host_name = 3\ntls = "x"\nupstreams = "https://a.org"\n[listen]\nport = "8080"\n'
        'addresses = "*"\n[cache]\nsize = 1.5\ninactive = 2020-01-01\n[mdns]\nenable = "yes"\n'
        "interfaces = [1]\n[status]\nenable = 1"
    ) == [
        'host_name: expected a string, got an integer; write host_name = "cache.example.org"',
        'tls: expected a table, got a string; write [tls] and below it certificate = "/run/keys/cache.pem"',
        (
            "upstreams: expected an array, got a string; "
            'write [[upstreams]] and below it url = "https://cache.nixos.org"'
        ),
        "listen.port: expected an integer, got a string; write port = 8080",
        'listen.addresses: expected an array, got a string; write addresses = ["*"]',
        'cache.size: expected a size such as "200G", got a float; write size = "200G"',
        'cache.inactive: expected a duration such as "30d", got a date or time; write inactive = "365d"',
        "mdns.enable: expected true or false, got a string; write enable = true",
        'mdns.interfaces[0]: expected a string, got an integer; write "eth0"',
        "status.enable: expected true or false, got an integer; write enable = true",
    ]
    assert refuse(
        '{"mode": 1, "tls": [], "upstreams": {}, "listen": {"port": 1.0, "addresses": {}},'
        ' "cache": {"size": NaN, "min_free": null}}'
    ) == [
        'mode: expected a string, got a number; write "mode": "lan"',
        'tls: expected an object, got an array; write "tls": {"certificate": "/run/keys/cache.pem"}',
        (
            "upstreams: expected an array, got an object; "
            'write "upstreams": [{"url": "https://cache.nixos.org"}]'
        ),
        'listen.port: expected an integer, got a number with a decimal point; write "port": 80',
        'listen.addresses: expected an array, got an object; write "addresses": ["*"]',
        (
            'cache.size: expected a size such as "200G", got a number with a decimal point; '
            'write "size": "200G"'
        ),
        'cache.min_free: expected a size such as "200G", got null; leave it out for the default',
    ]


def test_a_json_spec_is_an_object() -> None:
    """A list or a number is no spec, whatever it holds."""
    for text in ("[]", "3", "null", '"x"'):
        with pytest.raises(SpecError, match="expected an object, got"):
            parse_spec(text, source="spec.json")


def test_choices_are_told(refuse: Refuse) -> None:
    """A near miss is told its neighbour, anything else all choices."""
    assert refuse('mode = "lann"\non_outage = "x"') == [
        'mode: "lann" is none of its choices; write "lan"',
        'on_outage: "x" is none of its choices; write "error" or "miss"',
    ]


def test_what_is_missing_is_told(refuse: Refuse) -> None:
    """A table that is there has its required keys."""
    assert refuse('[tls]\n[[upstreams]]\nname = "a"') == [
        'tls.certificate: is missing; write certificate = "/run/keys/cache.pem"',
        'tls.certificate_key: is missing; write certificate_key = "/run/keys/cache.key"',
        'upstreams[0].url: is missing; write url = "https://cache.nixos.org"',
    ]


def test_problems_are_in_the_order_of_the_file(refuse: Refuse) -> None:
    """A reader goes through the file once."""
    text = '[status]\nfoo = 1\nenable = 2\n[cache]\nsize = "x"\nbar = 1\n[[upstreams]]\n[[upstreams]]\nurl = 1'
    assert [line.split(": ")[0] for line in refuse(text)] == [
        "status.foo",
        "status.enable",
        "cache.size",
        "cache.bar",
        "upstreams[0].url",
        "upstreams[1].url",
    ]


def test_many_problems_are_cut_short(refuse: Refuse) -> None:
    """Not a spec at all: the first hundred, and how many more."""
    lines = refuse("\n".join(f"a{n} = 1" for n in range(250)))
    assert len(lines) == 101
    assert lines[0].startswith("a0: is not a key here")
    assert lines[-1] == "and 150 more problems"


def test_half_a_character_is_no_text(refuse: Refuse) -> None:
    """JSON can escape a lone surrogate, which no file can hold."""
    assert refuse('{"host_name": "\\ud800"}') == [
        "host_name: may not hold the invisible character U+D800; type it again by hand"
    ]


def test_huge_numbers_are_refused(refuse: Refuse) -> None:
    """A number beyond all bounds is out of range, however many digits it has."""
    digits = "f" * 20000
    assert refuse(f"[nix_cache_info]\npriority = 0x{digits}\n[cache]\nsize = 0x{digits}") == [
        "nix_cache_info.priority: is out of range; write a number from 0 to 1000",
        'cache.size: is above 1048576T; write a size such as "200G"',
    ]


_PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["mode", "url", "tls", "cache", "size", "upstreams", "listen", "a b", ""]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=300)
@given(st.dictionaries(st.sampled_from([*Spec.model_fields, "foo"]), _PLAIN, max_size=6))
def test_any_data_is_a_spec_or_refused(data: dict[str, object]) -> None:
    """No data raises anything but SpecError, and each problem has a place and words."""
    try:
        parse_spec(json.dumps(data))
    except SpecError as error:
        assert error.problems  # noqa: PT017 (both outcomes are right)
        for problem in error.problems:
            assert problem.where
            assert problem.message
            assert problem.message[0].islower() or problem.message[0] in '"0123456789'
            assert not problem.message.endswith(".")


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_a_spec_or_refused(text: str) -> None:
    """No text raises anything but SpecError."""
    for source in (None, "spec.json"):
        try:
            parse_spec(text, source=source)
        except SpecError as error:
            assert error.problems  # noqa: PT017 (both outcomes are right)
