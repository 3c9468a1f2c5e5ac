"""The rendered text, under review in the diff, and what nginx and gixy say of it."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from passthru.nginx.capabilities import parse_capabilities
from passthru.nginx.machine import Machine
from passthru.nginx.plan import make_plan
from passthru.nginx.render import render
from passthru.nginx.rendering import Rendering
from passthru.nginx.site import Site
from passthru.spec import Spec, load_spec
from tests.nginx.certificates import Authority
from tests.nginx.nginxes import NginxBinary, nginx_binaries

HERE: Final = Path(__file__).parent
MODES: Final = ("local", "lan", "tls", "laptop")
NGINXES: Final = ("debian-12", "nginx-1.30")
FILES: Final = ("nginx.conf", "http.conf", "server.conf")

MACHINE: Final = Machine(
    name="shelf",
    root=True,
    user="www-data",
    group="www-data",
    open_files=65536,
    ipv6=True,
    ipv6_route=True,
    resolvers=("192.168.1.1", "[fd00::1]"),
    ca_bundle="/etc/ssl/certs/ca-certificates.crt",
    cache_directory="/var/cache/passthru",
    state_directory="/var/lib/passthru",
    runtime_directory="/run/passthru",
    instance="3f9c2a1b",
    addresses={"builds.example.org": ("203.0.113.7", "2001:db8::7")},
)


def rendering_of(mode: str, nginx: str) -> Rendering:
    """Render the spec of one mode for the nginx whose `-V` output is kept here."""
    told = (HERE / "nginx-V" / f"{nginx}.txt").read_text()
    return render(make_plan(load_spec(HERE / f"{mode}.toml"), parse_capabilities(told), MACHINE))


@pytest.mark.parametrize("nginx", NGINXES)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", FILES)
def test_text_is_the_one_reviewed(
    mode: str, nginx: str, name: str, request: pytest.FixtureRequest
) -> None:
    """A change of a template shows in the diff of a golden file, and nowhere by surprise."""
    golden = HERE / nginx / mode / name
    text = rendering_of(mode, nginx).files[name]
    # The page is part of the generation, and is reviewed in a browser instead.
    generation = rendering_of(mode, nginx).generation
    text = text.replace(generation, "0" * 8)
    if request.config.getoption("--update-golden"):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(text)

    assert golden.read_text() == text, "look at the difference, then run pytest --update-golden"


def test_rendering_is_the_same_every_time() -> None:
    """Two processes with different hash seeds render the same bytes."""
    script = (
        "from tests.golden.test_golden import *;"
        "print([(g := rendering_of(m, n)).generation for m in MODES for n in NGINXES], end='')"
    )
    generations = {
        subprocess.run(
            [sys.executable, "-c", script],
            check=True,
            capture_output=True,
            cwd=HERE.parents[1],
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }

    assert len(generations) == 1


def _livable(mode: str, place: Path) -> Spec:
    """Return the golden spec of a mode, with files and directories that exist."""
    spec = load_spec(HERE / f"{mode}.toml")
    update: dict[str, object] = {}
    if spec.tls:
        certificate, key = Authority(place).issue("cache.example.org")
        update["tls"] = spec.tls.model_copy(
            update={"certificate": str(certificate), "certificate_key": str(key)}
        )
    update["upstreams"] = tuple(
        u.model_copy(update={"ca_file": MACHINE.ca_bundle}) if u.ca_file else u
        for u in spec.upstreams
    )
    # The golden's own addresses are another machine's.
    update["listen"] = spec.listen.model_copy(update={"addresses": ("127.0.0.1",), "port": 8080})
    return spec.model_copy(update=update)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("nginx", nginx_binaries(), ids=lambda nginx: f"nginx-{nginx.version}")
def test_nginx_accepts_it(mode: str, nginx: NginxBinary, tmp_path: Path) -> None:
    """`nginx -t` of every version at hand passes each mode without a warning."""
    site = Site(state=f"{tmp_path}/state", runtime=f"{tmp_path}/run", cache=f"{tmp_path}/cache")
    plan = make_plan(_livable(mode, tmp_path), parse_capabilities(nginx.told), MACHINE, site=site)
    _write(render(plan), tmp_path / "conf", site)

    run = subprocess.run(
        [str(nginx.path), "-t", "-p", site.state, "-c", str(tmp_path / "conf" / "nginx.conf")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (run.returncode, [line for line in run.stderr.splitlines() if "[" in line]) == (0, [])


@pytest.mark.parametrize("nginx", NGINXES)
@pytest.mark.parametrize("mode", MODES)
def test_gixy_finds_nothing(mode: str, nginx: str, tmp_path: Path) -> None:
    """NixOS refuses to build a configuration in which gixy finds something."""
    pytest.importorskip("gixy", reason="gixy does not run on this Python")
    site = Site(state=f"{tmp_path}/state", runtime=f"{tmp_path}/run", cache=f"{tmp_path}/cache")
    _write(rendering_of(mode, nginx), tmp_path, site)

    run = subprocess.run(
        [str(Path(sys.executable).parent / "gixy"), "-l", str(tmp_path / "nginx.conf")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert "No issues found" in run.stdout, run.stdout + run.stderr
    assert run.returncode == 0


def _write(rendering: Rendering, folder: Path, site: Site) -> None:
    for name, text in rendering.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for place in (site.logs, f"{site.runtime}/temp", site.cache):
        Path(place).mkdir(parents=True, exist_ok=True)
