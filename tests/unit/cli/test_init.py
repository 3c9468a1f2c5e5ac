"""The spec that `passthru init` writes."""

import re
import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel

from passthru.cli.spec_text import commented_spec
from passthru.spec import Spec, Tls, parse_spec
from tests.unit.cli.command import run

MODES = ("local", "lan", "tls")
TLS = Tls(certificate="/etc/passthru/cache.pem", certificate_key="/etc/passthru/cache.key")
# What only makes sense with a choice of one's own stands there as an example.
EXAMPLES = ("proxy", "ca_file", "credentials_file")


def uncommented(text: str) -> str:
    """Remove the # of every setting, as an operator does who wants them all."""
    return re.sub(r"^#(?=[a-z\[])", "", text, flags=re.MULTILINE)


def test_the_local_spec_is_the_empty_spec() -> None:
    """Everything in it is commented out, so that nothing changes until a # is removed."""
    assert parse_spec(commented_spec("local")) == Spec()


def test_the_lan_spec_sets_the_mode_alone() -> None:
    """--lan is one line."""
    assert parse_spec(commented_spec("lan")) == parse_spec('mode = "lan"')


def test_the_tls_spec_sets_the_mode_and_the_certificate() -> None:
    """--tls is the mode and what it requires."""
    spec = parse_spec(commented_spec("tls"))

    assert spec.tls == TLS
    assert spec.model_copy(update={"tls": None, "mode": Spec().mode}) == Spec()


def test_every_setting_is_there() -> None:
    """Whoever reads the file knows all there is, and meets no name that is not known."""
    written = tomllib.loads(uncommented(commented_spec("tls")))

    def missing(model: type[BaseModel], table: dict[str, object]) -> set[str]:
        return set(model.model_fields) ^ set(table)

    assert missing(Spec, written) == set()
    for name, field in Spec.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            assert missing(inner, written[name]) == set(), name
    assert missing(type(Spec().upstreams[0]), written["upstreams"][0]) == set()


def test_the_settings_shown_are_the_defaults() -> None:
    """Removing a # changes nothing, except where the text says that it is an example."""
    text = "\n".join(
        line
        for line in uncommented(commented_spec("lan")).splitlines()
        if not line.startswith(tuple(f"{name} =" for name in EXAMPLES))
    )
    text = re.sub(r"^\[tls\]\n.*\n.*\n", "", text, flags=re.MULTILINE)
    expected = parse_spec('mode = "lan"').model_dump()
    shown = parse_spec(text).model_dump()
    chosen_elsewhere = {
        ("host_name",), ("state_directory",), ("runtime_directory",),
        ("listen", "addresses"), ("listen", "port"), ("listen", "tls_port"),
        ("cache", "directory"), ("mdns", "enable"), ("status", "allow"),
    }  # fmt: skip
    differing = {
        path
        for path in leaves(expected) | leaves(shown)
        if value_at(expected, path) != value_at(shown, path)
    }

    assert differing == chosen_elsewhere


def leaves(table: dict[str, object], *above: str) -> set[tuple[str, ...]]:
    """Return the paths of all values that are not tables."""
    found: set[tuple[str, ...]] = set()
    for name, value in table.items():
        found |= leaves(value, *above, name) if isinstance(value, dict) else {(*above, name)}
    return found


def value_at(table: object, path: tuple[str, ...]) -> object:
    """Return the value at a path, or None."""
    for name in path:
        table = table.get(name) if isinstance(table, dict) else None
    return table


@pytest.mark.parametrize("mode", MODES)
def test_lines_are_prose_or_settings(mode: str) -> None:
    """A # before a blank is prose, before anything else a setting: so one can be told from the other."""
    for line in commented_spec(mode).splitlines():
        assert re.fullmatch(r"|# .+|#?[a-z_]+ = .+|#?\[\[?[a-z_]+\]?\]", line), line
        assert len(line) <= 100


def test_init_writes_a_file_and_says_what_is_next(tmp_path: Path) -> None:
    """The path is the data; the next commands are talk, and can be pasted."""
    done = run("init", cwd=tmp_path)

    assert (done.code, done.out) == (0, "passthru.toml\n")
    assert (tmp_path / "passthru.toml").read_text() == commented_spec("local")
    assert "  passthru check\n  passthru up\n  passthru snippet nix-conf\n" in done.err


def test_init_quotes_the_path_it_was_given(tmp_path: Path) -> None:
    """A path with a blank can be pasted too."""
    done = run("init", "--lan", "my cache.toml", cwd=tmp_path)

    assert "  passthru check 'my cache.toml'\n" in done.err
    assert 'mode = "lan"\n' in (tmp_path / "my cache.toml").read_text()


def test_init_never_overwrites(tmp_path: Path) -> None:
    """A spec that somebody wrote is safe, even one behind a dangling link."""
    (tmp_path / "passthru.toml").write_text("mine")
    (tmp_path / "link.toml").symlink_to("nowhere")

    for words in ((), ("link.toml",)):
        done = run("init", *words, cwd=tmp_path)
        assert (done.code, done.out) == (1, "")
        assert "exists already" in done.err
    assert (tmp_path / "passthru.toml").read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()


def test_init_has_one_mode(tmp_path: Path) -> None:
    """Two modes are none: neither wins in silence."""
    done = run("init", "--lan", "--tls", cwd=tmp_path)

    assert (done.code, done.out) == (2, "")
    assert "error: --lan and --tls exclude each other\n" in done.err
    assert list(tmp_path.iterdir()) == []


def test_init_prints_to_a_dash(tmp_path: Path) -> None:
    """As elsewhere, - is standard output and no file of that name."""
    done = run("init", "-", cwd=tmp_path)

    assert (done.code, done.out, done.err) == (0, commented_spec("local"), "")
    assert list(tmp_path.iterdir()) == []
