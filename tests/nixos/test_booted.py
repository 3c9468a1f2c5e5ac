"""The units, directories and configuration of the module, on a systemd that runs: Debian's.

It is not NixOS, which cannot be had here; it shows that what the module says works together.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from passthru.cli.app import COMMANDS
from passthru.systemd.sidecar import SIDECARS
from tests.checkout import ROOT
from tests.debian import UnavailableError, unavailable
from tests.nginx.nginxes import NginxBinary
from tests.nix.clients import Nix
from tests.nix.upstream import Upstream, make_upstream
from tests.nixos.like_nixos import NGINX, OUT, PASSTHRU, put_machine, put_programs
from tests.nixos.machine import NixosMachine, Place, make
from tests.packaging.beside import (
    CACHE_URL,
    UPSTREAM_URL,
    becomes_hot,
    client_beside,
    fetch,
    upstream_beside,
    wait_answering,
)
from tests.packaging.container import ConfinedError, Container, container
from tests.packaging.debian_root import debian_root
from tests.waiting import eventually

pytestmark = [pytest.mark.install, pytest.mark.nix, pytest.mark.timeout(600)]

PACKAGES: Final = ("systemd-sysv", "python3", "ca-certificates", "curl", "procps")
CONFIGURATION: Final = f"""{{
  services.passthru-cache = {{
    enable = true;
    hostName = "cache.example.org";
    forceSSL = false;
    client.enable = true;
    client.settings.upstreams = [ {{ url = "{UPSTREAM_URL}"; }} ];
    settings.cache.min_free = "0";
    settings.mdns.enable = true;
    settings.upstreams = [ {{ url = "{UPSTREAM_URL}"; credentials_file = "/root/secret"; }} ];
  }};
}}"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the Debian package of this checkout, for what is in it."""
    out = tmp_path_factory.mktemp("deb")
    build = [ROOT / "packaging/debian/build", out]
    made = subprocess.run(build, check=True, capture_output=True, timeout=240, encoding="utf-8")
    return Path(made.stdout.strip())


@pytest.fixture
def machine(a_nix: Nix, tmp_path: Path, modern_nginx: NginxBinary) -> NixosMachine:
    """Evaluate the configuration for programs as the container will have them."""
    version = modern_nginx.version
    return make(a_nix, Place(tmp_path, PASSTHRU, NGINX, version, OUT), CONFIGURATION)


@pytest.fixture
def box(machine: NixosMachine, package: Path, modern_nginx: NginxBinary) -> Iterator[Container]:
    """Boot a Debian that has the machine's units, and builds what its derivations would."""
    there = {command.name for command in COMMANDS}
    missing = frozenset(f"passthru-{s.name}" for s in SIDECARS if s.name not in there)
    try:
        with debian_root("bookworm", *PACKAGES) as root, container(root) as made:
            put_programs(root, package, modern_nginx)
            put_machine(root, machine, left_out=missing)
            root.inside("/root/secret").write_text("me:hunter2")
            root.inside("/root/secret").chmod(0o600)
            account = "useradd --system --user-group --no-create-home nginx"
            subprocess.run(root.command("sh", "-euc", account), check=True, timeout=30)
            render = f"export out={OUT}/passthru-nginx; {machine.summary['render']}"
            subprocess.run(root.command("sh", "-euc", render), check=True, timeout=60)
            client = machine.summary["client"]
            root.inside("/root/spec").write_text(client["environment"]["spec"])
            write = f"specPath=/root/spec out={OUT}/passthru-client.json; {client['command']}"
            subprocess.run(root.command("sh", "-euc", write), check=True, timeout=60)
            made.boot()
            yield made
    except ConfinedError as error:
        pytest.skip(str(error))
    except UnavailableError as error:
        unavailable(str(error))


def test_what_the_module_says_works_together(
    box: Container, a_nix: Nix, machine: NixosMachine, tmp_path: Path
) -> None:
    """Substituted through, watched, given other name servers, rebooted without its upstream."""
    upstream = make_upstream(a_nix)
    keys = (upstream.public_key,)
    with upstream_beside(box.network, upstream, tmp_path) as serving:
        wait_answering(box.network, seconds=20)
        first = client_beside(box.network, a_nix, tmp_path / "first")
        got = first.substitute(upstream.top, caches=(CACHE_URL,), keys=keys)
        assert (got.code, first.paths()) == (0, upstream.paths), got.err
        asked = serving.asked
        second = client_beside(box.network, a_nix, tmp_path / "second")
        got = second.substitute(upstream.top, caches=(CACHE_URL,), keys=keys)
        assert (got.code, serving.asked) == (0, asked), got.err

        _lets_others_live(box)
        _runs_without_root(box, machine)
        assert becomes_hot(box, upstream.top), box.journal("--unit=passthru-hot.service")
        _keeps_its_secret(box)
        _is_seen(box)
        _hears_of_other_name_servers(box)
        _serves_its_own_machine(box, upstream)

    box.shut_down()
    box.root.inside("/etc/resolv.conf").write_text("")
    box.boot()
    wait_answering(box.network, seconds=20)
    third = client_beside(box.network, a_nix, tmp_path / "third")
    got = third.substitute(upstream.top, caches=(CACHE_URL,), keys=keys)
    assert (got.code, third.paths()) == (0, upstream.paths), got.err


def _lets_others_live(box: Container) -> None:
    said = box.succeed("curl", "-sf", "-H", "Host: mine.example.org", "http://127.0.0.1/")
    assert said == "mine"


def _runs_without_root(box: Container, machine: NixosMachine) -> None:
    """See each unit run that should, not as root, and none that failed."""
    failed = box.succeed("systemctl", "list-units", "--failed", "--plain", "--no-legend")
    assert "passthru" not in failed, f"{failed}\n{box.journal()}"
    assert "nginx" not in failed, f"{failed}\n{box.journal()}"
    for name, unit in machine.summary["services"].items():
        if unit["serviceConfig"].get("Type") == "oneshot":
            continue
        main = box.show(f"{name}.service", "MainPID")
        if main != "0":
            assert box.succeed("stat", "-c", "%U", f"/proc/{main}") != "root", name
    for name in ("exporter", "fills", "hot", "mdns", "client"):
        assert box.show(f"passthru-{name}.service", "ActiveState") == "active", box.journal()


def _keeps_its_secret(box: Container) -> None:
    """See systemd's copy become what nginx includes, and nobody else read it."""
    path = "/run/passthru/late/credentials.conf"
    assert box.succeed("stat", "-c", "%a %U", path) == "600 nginx"
    assert "Basic bWU6aHVudGVyMg==" in box.succeed("cat", path)
    assert box.run("grep", "-r", "bWU6aHVudGVyMg", "/opt/out", "/nix/store").code == 1


def _is_seen(box: Container) -> None:
    """See the exporter count what was served, on its own machine and from nowhere else."""
    here = ("curl", "-sf", "-H", "Host: cache.example.org", "http://127.0.0.1/status.json")
    assert eventually(lambda: '"hits": 0' not in box.run(*here).out and box.run(*here).code == 0)
    assert json.loads(box.succeed(*here))
    assert fetch(box.network, "/status.json") == ""


def _hears_of_other_name_servers(box: Container) -> None:
    """See a change of resolv.conf reach nginx, which goes on."""
    main = box.show("nginx.service", "MainPID")
    workers = box.succeed("pgrep", "-P", main)
    box.succeed("sh", "-c", "echo nameserver 192.0.2.53 >/etc/resolv.conf")
    late = "/run/passthru/late/resolvers.conf"
    assert eventually(lambda: "192.0.2.53" in box.succeed("cat", late)), box.journal()
    assert eventually(lambda: box.succeed("pgrep", "-P", main) != workers), box.journal()
    assert box.show("nginx.service", "MainPID") == main
    wait_answering(box.network, seconds=5)


def _serves_its_own_machine(box: Container, upstream: Upstream) -> None:
    """See the client's cache answer this machine, from its upstream, and nobody else."""
    here = "http://127.0.0.1:8487"
    said = box.succeed("curl", "-sf", f"{here}{upstream.narinfo(upstream.top)}")
    assert f"StorePath: {upstream.top}" in said
