"""passthru as a service of a booted Debian: installed, broken, reloaded, rebooted, taken away."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from passthru.systemd.sidecar import SIDECARS
from passthru.systemd.units import service_name
from tests.checkout import ROOT
from tests.debian import UnavailableError, unavailable
from tests.nix.clients import Nix, first_nix
from tests.nix.upstream import Upstream, make_upstream
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
from tests.packaging.debian_root import DebianRoot, debian_root
from tests.waiting import eventually

pytestmark = [pytest.mark.install, pytest.mark.nix, pytest.mark.timeout(600)]

PACKAGES: Final = ("systemd-sysv", "nginx-light", "python3", "ca-certificates", "curl")
PROGRAM: Final = "/opt/passthru/passthru"
LAUNCHER: Final = """\
#!/usr/bin/python3 -I
import sys
sys.path.insert(0, "/opt/passthru/lib")
from passthru.cli import main
sys.exit(main())
"""
SPEC: Final = "/etc/passthru/passthru.toml"

# As nix-binary-cache's users have it, and the one line that lets others than this machine ask.
OLD_SPEC: Final = f"""\
mode = "lan"

[[upstreams]]
url = "{UPSTREAM_URL}"
"""

# Names of files that tell that something happened, and are nobody's to take away.
_TRACES: Final = (
    "/var/log/",
    "/var/cache/ldconfig",
    "/var/lib/systemd/",
    "/run/",
    "/tmp/",  # noqa: S108 - compared with
    "/dev/",
)
_SPARE_COPIES: Final = tuple(
    f"/etc/{name}"
    for name in (".pwd.lock", "group-", "gshadow-", "passwd-", "shadow-", "subgid-", "subuid-")
)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the Debian package of this checkout."""
    out = tmp_path_factory.mktemp("deb")
    built = subprocess.run(
        [ROOT / "packaging/debian/build", out],
        check=False,
        capture_output=True,
        timeout=240,
        encoding="utf-8",
    )
    assert built.returncode == 0, built.stderr
    return Path(built.stdout.strip())


@pytest.fixture
def nix() -> Nix:
    """Return one version of Nix."""
    try:
        return first_nix()
    except UnavailableError as error:
        unavailable(str(error))


@pytest.fixture
def upstream(nix: Nix) -> Upstream:
    """Return the signed cache that is fetched from."""
    return make_upstream(nix)


@pytest.fixture
def box(package: Path) -> Iterator[Container]:
    """Boot a Debian that has the package's file, and its content as a program of its own."""
    try:
        with debian_root("bookworm", *PACKAGES) as root, container(root) as made:
            _put_program(root, package)
            made.boot()
            made.succeed("systemctl", "disable", "nginx.service")
            yield made
    except ConfinedError as error:
        pytest.skip(str(error))
    except UnavailableError as error:
        unavailable(str(error))


def _put_program(root: DebianRoot, package: Path) -> None:
    unpacked = root.inside("/opt/unpacked")
    subprocess.run(["dpkg-deb", "-x", package, unpacked], check=True, timeout=60)
    root.inside("/opt/passthru").mkdir()
    (unpacked / "usr/lib/passthru").rename(root.inside("/opt/passthru/lib"))
    shutil.rmtree(unpacked)
    root.inside(PROGRAM).write_text(LAUNCHER, encoding="utf-8")
    root.inside(PROGRAM).chmod(0o755)
    shutil.copy(package, root.inside("/opt/passthru.deb"))


def files(box: Container) -> set[str]:
    """Return the names of all that is on the disk, but for traces of what happened."""
    found = box.succeed(
        "find", "/", "-xdev", "-not", "-name", "__pycache__", "-not", "-name", "*.pyc"
    )
    return {
        name
        for name in found.splitlines()
        if not name.startswith(_TRACES) and name not in _SPARE_COPIES
    }


def accounts(box: Container) -> str:
    """Return all users and groups."""
    return box.succeed("getent", "passwd") + box.succeed("getent", "group")


def test_service_lives_through_everything(
    box: Container, nix: Nix, upstream: Upstream, tmp_path: Path
) -> None:
    """Installed from a spec of others, killed, reloaded, rebooted without its upstream, removed."""
    before, known = files(box), accounts(box)
    box.root.inside("/root/cache.toml").write_text(OLD_SPEC, encoding="utf-8")
    before.add("/root/cache.toml")
    said = box.succeed(PROGRAM, "install", "/root/cache.toml", "--dry-run")
    assert "run systemctl restart passthru.service" in said
    assert files(box) == before

    with upstream_beside(box.network, upstream, tmp_path) as serving:
        _waits_for_its_port(box)
        assert box.succeed("systemd-analyze", "verify", "passthru.service") == ""

        keys = (upstream.public_key,)
        first = client_beside(box.network, nix, tmp_path / "first")
        got = first.substitute(upstream.top, caches=(CACHE_URL,), keys=keys)
        assert (got.code, first.paths()) == (0, upstream.paths), got.err
        asked = serving.asked
        second = client_beside(box.network, nix, tmp_path / "second")
        got = second.substitute(upstream.top, caches=(CACHE_URL,), keys=keys)
        assert (got.code, serving.asked) == (0, asked), got.err

        assert eventually(lambda: "passthru_" in fetch(box.network, "/metrics")), box.journal()
        _has_all_its_parts(box)
        assert becomes_hot(box, upstream.top), box.journal("--unit=passthru-hot.service")

        _survives_its_parts(box)
        _takes_a_new_spec(box)
        _refuses_a_wrong_spec(box)

    box.shut_down()
    box.boot()
    wait_answering(box.network, seconds=20)
    third = client_beside(box.network, nix, tmp_path / "third")
    got = third.substitute(upstream.top, caches=(CACHE_URL,), keys=keys)
    assert (got.code, third.paths()) == (0, upstream.paths), got.err

    _is_brought_up_to_date(box)
    _goes_in_two_steps(box, before, known)
    _comes_as_a_package(box)
    assert (files(box) ^ before, accounts(box)) == (set(), known)


def _waits_for_its_port(box: Container) -> None:
    """See a taken port told of by the installation, and had as soon as it is free."""
    box.succeed("systemctl", "start", "nginx.service")
    failed = box.run(PROGRAM, "install", "/root/cache.toml")
    assert failed.code == 1
    assert "cannot listen on" in failed.out
    assert "address already in use" in failed.out
    box.succeed("systemctl", "stop", "nginx.service")
    wait_answering(box.network, seconds=20)


def _has_all_its_parts(box: Container) -> None:
    """See a unit run for every sidecar that there is, none of them restarted by its sandbox."""
    for sidecar in SIDECARS:
        unit = service_name(sidecar)
        assert box.show(unit, "SubState") == "running", box.journal(f"--unit={unit}")
        assert box.show(unit, "NRestarts") == "0", box.journal(f"--unit={unit}")
    assert "announced as" in box.journal("--unit=passthru-mdns.service")


def _survives_its_parts(box: Container) -> None:
    """See a killed sidecar come back without nginx, and a killed nginx in seconds."""
    main = box.show("passthru.service", "MainPID")
    box.succeed("systemctl", "kill", "--signal=KILL", "passthru-tunnel.service")
    assert eventually(
        lambda: (
            box.show("passthru-tunnel.service", "NRestarts") == "1"
            and box.show("passthru-tunnel.service", "SubState") == "running"
        )
    ), box.journal()
    assert box.show("passthru.service", "MainPID") == main

    box.succeed("sh", "-c", "kill -9 $(cat /run/passthru/nginx.pid)")
    assert eventually(lambda: box.show("passthru.service", "MainPID") not in {main, "0"})
    wait_answering(box.network, seconds=15)
    # A reload that comes while it is being started would be taken for part of the start.
    assert eventually(lambda: box.show("passthru.service", "ActiveState") == "active")


def _takes_a_new_spec(box: Container) -> None:
    """See that a reload is the transaction: another generation, and the same process."""
    main = box.show("passthru.service", "MainPID")
    with box.root.inside(SPEC).open("a", encoding="utf-8") as spec:
        spec.write("[nix_cache_info]\npriority = 21\n")
    box.succeed("systemctl", "reload", "passthru.service")
    # An old worker may take a connection for a tenth of a second yet.
    assert eventually(lambda: "Priority: 21\n" in fetch(box.network, "/nix-cache-info"))
    assert box.show("passthru.service", "MainPID") == main


def _refuses_a_wrong_spec(box: Container) -> None:
    """See a wrong line fail the reload and nothing else, and a start with it not tried again."""
    spec = box.root.inside(SPEC)
    right = spec.read_text(encoding="utf-8")
    spec.write_text(right.replace("priority", "prioritty"), encoding="utf-8")
    assert box.run("systemctl", "reload", "passthru.service").code != 0
    assert "prioritty" in box.journal("--unit=passthru.service")
    assert "Priority: 21\n" in fetch(box.network, "/nix-cache-info")
    refused = box.run(PROGRAM, "install")
    assert (refused.code, "prioritty" in refused.out) == (78, True)

    box.run("systemctl", "restart", "passthru.service")
    assert box.show("passthru.service", "ExecMainStatus") == "78"
    assert box.show("passthru.service", "ActiveState") == "failed"
    spec.write_text(right, encoding="utf-8")
    box.succeed("systemctl", "start", "passthru.service")
    wait_answering(box.network, seconds=10)


def _is_brought_up_to_date(box: Container) -> None:
    """See units of an older version replaced, the spec kept, and then nothing left to do."""
    unit = box.root.inside("/etc/systemd/system/passthru.service")
    unit.write_text(unit.read_text().replace("WatchdogSec=30s\n", ""), encoding="utf-8")
    spec = box.root.inside(SPEC).read_text(encoding="utf-8")
    said = box.succeed(PROGRAM, "install")
    assert "write /etc/systemd/system/passthru.service\n" in said
    assert "run systemctl restart passthru.service" in said
    assert box.root.inside(SPEC).read_text(encoding="utf-8") == spec

    main = box.show("passthru.service", "MainPID")
    assert "write" not in box.succeed(PROGRAM, "install")
    assert box.show("passthru.service", "MainPID") == main


def _goes_in_two_steps(box: Container, before: set[str], known: str) -> None:
    """See what was stored go only when asked for; then nothing is left, and again is no error."""
    box.succeed(PROGRAM, "install", "--uninstall")
    left = files(box) - before
    assert SPEC in left
    assert {name for name in left if "systemd" in name or name.endswith(".conf")} <= {
        name for name in left if name.startswith("/var/lib/passthru/")
    }
    box.succeed(PROGRAM, "install", "--uninstall", "--purge")
    assert (files(box) ^ before, accounts(box)) == (set(), known)
    box.succeed(PROGRAM, "install", "--uninstall", "--purge")


def _comes_as_a_package(box: Container) -> None:
    """See it serve at once, keep the spec when removed, and leave nothing when purged."""
    box.succeed("dpkg", "--install", "/opt/passthru.deb")
    health = ("curl", "-sf", "http://127.0.0.1:8080/health")
    assert '"status":"ok"' in box.succeed(*health)
    for sidecar in SIDECARS:
        unit = service_name(sidecar)
        assert eventually(lambda unit=unit: box.show(unit, "SubState") == "running")  # type: ignore[misc]
    main = box.show("passthru.service", "MainPID")
    box.succeed("dpkg", "--install", "/opt/passthru.deb")
    assert box.show("passthru.service", "MainPID") != main
    assert '"status":"ok"' in box.succeed(*health)

    box.succeed("dpkg", "--remove", "passthru")
    assert box.run(*health).code != 0
    assert box.root.inside(SPEC).exists()
    box.succeed("dpkg", "--purge", "passthru")
