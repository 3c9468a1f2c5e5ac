"""What clients paste."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from passthru.nginx.snippet import KINDS, new_keys, snippets
from tests.unit.cli.command import environment, invoke, run

NIXOS = "cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY="
OTHER = "lab.example.org-1:mB9FSh9qf2dCimDSUo8Zy7bkq5CUFl1UAlzaPLNs0RQ="
THIRD = "team-1:mB9FSh9qf2dCimDSUo8Zy7bkq5CUFl1UAlzaPLNs0RQ="
ADDRESS = "http://cache.local"

WITH_KEYS = snippets(ADDRESS, (NIXOS, OTHER, THIRD))
WITHOUT_KEYS = snippets(ADDRESS, (NIXOS,))


@pytest.mark.parametrize("kind", KINDS)
def test_every_snippet_has_what_a_client_needs(kind: str) -> None:
    """The address, a short wait, and what to do when it is over."""
    for text in (WITH_KEYS[kind], WITHOUT_KEYS[kind]):
        assert ADDRESS in text
        assert "connect-timeout" in text
        assert "fallback" in text
        assert text.endswith("\n")
        assert text.isascii()


@pytest.mark.parametrize("kind", KINDS)
def test_only_keys_that_are_new_to_nix_are_shown(kind: str) -> None:
    """Signatures pass through, so there is no key of ours, and Nix has that of cache.nixos.org."""
    assert OTHER in WITH_KEYS[kind]
    assert THIRD in WITH_KEYS[kind]
    assert NIXOS not in WITH_KEYS[kind] + WITHOUT_KEYS[kind]
    assert "trusted-public-keys" not in WITHOUT_KEYS[kind]


def test_keys_are_shown_once() -> None:
    """Two upstreams may share a signer."""
    assert new_keys((OTHER, NIXOS, THIRD, OTHER)) == (OTHER, THIRD)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"command"}))
def test_a_line_says_why(kind: str) -> None:
    """Whoever finds it in a year knows what the two odd settings are for."""
    assert "out of reach" in WITH_KEYS[kind]


@pytest.mark.skipif(not shutil.which("nix-instantiate"), reason="nix is not installed")
@pytest.mark.parametrize("kind", ["nixos", "darwin", "flake"])
@pytest.mark.parametrize("texts", [WITH_KEYS, WITHOUT_KEYS])
def test_nix_snippets_are_nix(kind: str, texts: dict[str, str], tmp_path: Path) -> None:
    """Inside an attribute set, Nix evaluates them to the settings that are meant."""
    done = subprocess.run(
        ["nix-instantiate", "--eval", "--strict", "--json", "-E", "{\n" + texts[kind] + "}"],
        env=environment(tmp_path, NIX_STATE_DIR=str(tmp_path), NIX_STORE_DIR=str(tmp_path)),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    value = json.loads(done.stdout)
    settings = value["nixConfig"] if kind == "flake" else value["nix"]["settings"]
    extra = "extra-" if kind == "flake" else ""

    assert settings[f"{extra}substituters"] == [ADDRESS]
    assert settings.get(f"{extra}trusted-public-keys", []) == (
        [OTHER, THIRD] if texts is WITH_KEYS else []
    )
    assert (settings["connect-timeout"], settings["fallback"]) == (2, True)


def shown_config(tmp_path: Path, conf: str, **variables: str) -> dict[str, str]:
    """Return the settings that Nix takes from a nix.conf."""
    (tmp_path / "nix.conf").write_text(conf)
    command = ["nix", "--extra-experimental-features", "nix-command", "show-config"]
    done = subprocess.run(
        command,
        env=environment(tmp_path, NIX_CONF_DIR=str(tmp_path), **variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    pairs = (line.split(" = ", 1) for line in done.stdout.splitlines() if " = " in line)
    return {pair[0]: pair[1] for pair in pairs}


@pytest.mark.skipif(not shutil.which("nix"), reason="nix is not installed")
def test_nix_obeys_the_nix_conf(tmp_path: Path) -> None:
    """At the end of a nix.conf it adds to the substituters and keys that are there."""
    before = "substituters = https://cache.nixos.org\ntrusted-public-keys = " + NIXOS + "\n"
    shown = shown_config(tmp_path, before + WITH_KEYS["nix-conf"])

    assert shown["substituters"].split() == ["https://cache.nixos.org", ADDRESS]
    assert shown["trusted-public-keys"].split() == [NIXOS, OTHER, THIRD]
    assert (shown["connect-timeout"], shown["fallback"]) == ("2", "true")


@pytest.mark.skipif(not shutil.which("nix"), reason="nix is not installed")
def test_nix_obeys_the_ci_variable(tmp_path: Path) -> None:
    """The block under NIX_CONFIG is a nix.conf."""
    block = WITH_KEYS["ci"].partition("NIX_CONFIG: |\n")[2]
    shown = shown_config(tmp_path, "", NIX_CONFIG="\n".join(map(str.strip, block.splitlines())))

    assert ADDRESS in shown["substituters"].split()
    assert OTHER in shown["trusted-public-keys"].split()


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")
def test_the_command_is_one_command(tmp_path: Path) -> None:
    """A shell hands Nix the options as they are meant, the keys as one word."""
    done = subprocess.run(
        ["bash", "-c", 'nix() { printf "%s\\n" "$@"; }\n' + WITH_KEYS["command"]],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    words = done.stdout.splitlines()

    assert words[:2] == ["build", "nixpkgs#hello"]
    assert words[words.index("extra-trusted-public-keys") + 1] == f"{OTHER} {THIRD}"


def test_command_prints_the_snippet_alone(tmp_path: Path) -> None:
    """Its stdout can be appended to a nix.conf; the address is the spec's."""
    (tmp_path / "passthru.toml").write_text(
        f'listen = {{ port = 9080 }}\n[[upstreams]]\nurl = "http://192.0.2.1"\n'
        f'public_keys = ["{OTHER}"]\n'
    )
    done = run("snippet", "nix-conf", cwd=tmp_path)

    assert (done.code, done.err) == (0, "")
    assert done.out == snippets("http://127.0.0.1:9080", (OTHER,))["nix-conf"]


def test_command_needs_no_nginx(tmp_path: Path) -> None:
    """A client's owner may have the spec and no nginx."""
    missing = environment(tmp_path, PASSTHRU_NGINX="/nonexistent/nginx")

    assert run("snippet", "flake", cwd=tmp_path, env=missing).code == 0


@pytest.mark.parametrize("kind", KINDS)
def test_command_knows_every_kind_and_another_address(kind: str) -> None:
    """The kinds are written once for the code and once for the help; --url has the last word."""
    assert (
        invoke("snippet", kind, "/dev/null", "--url", "https://a.example/")
        == (snippets("https://a.example", (NIXOS,))[kind])
    )


@pytest.mark.parametrize(
    "url",
    ["", "cache", "ftp://x", 'http://a"; b', "http://a/; rm -rf ~", "http://a/${x}", "http://a\nb"],
)
def test_a_url_that_would_end_its_line_is_refused(url: str, tmp_path: Path) -> None:
    """A snippet is pasted into Nix, YAML and shells: what is no URL gets into none of them."""
    done = run("snippet", "command", "--url", url, cwd=tmp_path)

    assert (done.code, done.out) == (2, "")
    assert "is not a URL such as http://cache.example.org:8080" in done.err


@pytest.mark.parametrize(
    "url",
    ["http://cache", "https://10.0.0.1:8443/sub_path", "http://[::1]:80", "http://a?priority=1"],
)
def test_a_url_of_any_cache_is_taken(url: str, tmp_path: Path) -> None:
    """Behind another server it may have a path, and a store may have parameters."""
    assert url in run("snippet", "nix-conf", "--url", f"{url}", cwd=tmp_path).out
