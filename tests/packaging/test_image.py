"""The container image and its Compose file, without Docker: built by buildah, run by nspawn."""

import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from tests.checkout import ROOT
from tests.debian import UnavailableError, unavailable
from tests.packaging.beside import UPSTREAM_PORT
from tests.packaging.compose import read_services, understood
from tests.packaging.container import BESIDE, INSIDE, ConfinedError, Network, network
from tests.packaging.debian_root import debian_root
from tests.packaging.image import Image, built_image, container_of
from tests.waiting import eventually

SPEC: Final = f"""\
[[upstreams]]
url = "http://{BESIDE}:{UPSTREAM_PORT}"
"""
"""As users of nix-binary-cache have it, and nothing of ours in it."""

NARINFO: Final = f"/{'0' * 32}.narinfo"


@pytest.fixture
def image() -> Iterator[Image]:
    """Build the image on a bare Debian."""
    try:
        with debian_root("trixie") as base, built_image(base) as made:
            yield made
    except ConfinedError as error:
        pytest.skip(str(error))
    except UnavailableError as error:
        unavailable(str(error))


@pytest.fixture
def wires() -> Iterator[Network]:
    """Join a namespace for the container and one beside it."""
    try:
        with network() as made:
            yield made
    except UnavailableError as error:
        unavailable(str(error))


@pytest.fixture
def services() -> Mapping[str, Any]:  # Any: YAML
    """Return the services of compose.yaml."""
    try:
        return read_services()
    except UnavailableError as error:
        unavailable(str(error))


def head(wires: Network, target: str) -> str:
    """Return the head of an answer, in lower case; empty if there is none."""
    done = subprocess.run(
        wires.command("curl", "-s", "-i", "-m", "5", f"http://{INSIDE}:8080{target}"),
        capture_output=True,
        timeout=20,
        encoding="utf-8",
        check=False,
    )
    return done.stdout.partition("\r\n\r\n")[0].lower()


@pytest.mark.install
@pytest.mark.timeout(600)
def test_image_serves_what_compose_runs(
    image: Image, wires: Network, services: Mapping[str, Any], tmp_path: Path
) -> None:
    """A TOML of nix-binary-cache is all it takes to a HIT, which outlives container and upstream."""
    service = services["passthru"]
    store = tmp_path / "store"
    store.mkdir()
    (store / NARINFO[1:]).write_text("StorePath: /nix/store/x\n", encoding="utf-8")
    (store / "nix-cache-info").write_text("StoreDir: /nix/store\n", encoding="utf-8")
    server = ("python3", "-m", "http.server", "--bind", BESIDE, "-d", str(store))
    folder = tmp_path / "compose"
    folder.mkdir(mode=0o755)
    with subprocess.Popen(
        wires.command(*server, str(UPSTREAM_PORT)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as upstream:
        try:
            with container_of(image, service, wires, folder, spec=SPEC) as running:
                assert eventually(lambda: "200 ok" in head(wires, "/health"))
                assert running.probe() == 0
                assert "x-cache-status: miss" in head(wires, NARINFO)
                assert "x-cache-status: hit" in head(wires, NARINFO)
                assert eventually(lambda: "200 ok" in head(wires, "/status"))
                assert running.stop() == 0
        finally:
            upstream.kill()
    with container_of(image, service, wires, folder, spec=SPEC) as running:
        assert eventually(lambda: "x-cache-status: hit" in head(wires, NARINFO))
        assert running.stop() == 0


def test_compose_understands_the_file() -> None:
    """Both profiles are valid, and the port on the host is a variable's: 8080 without it."""
    try:
        assert "prometheus" in understood("--profile", "monitoring")
        assert re.search(r"published: \W?8080\W?\n", understood())
        assert re.search(r"published: \W?80\W?\n", understood(PASSTHRU_PORT="80"))
    except UnavailableError as error:
        unavailable(str(error))


def test_monitoring_is_asked_for(services: Mapping[str, Any]) -> None:
    """Prometheus and Grafana come with their profile only, and find their files in the checkout."""
    profiles = {name: service.get("profiles", []) for name, service in services.items()}
    assert profiles == {
        "passthru": [],
        "prometheus": ["monitoring"],
        "grafana": ["monitoring"],
    }
    if not (ROOT / "docs/monitoring").is_dir():
        pytest.skip("there is nothing to monitor with yet")
    mounted = [volume.split(":")[0] for one in services.values() for volume in one["volumes"]]
    local = [path for path in mounted if path.startswith("./")]
    assert [path for path in local if not (ROOT / path).is_file()] == []


def test_dockerfile_keeps_its_own_rules() -> None:
    """Two stages of one base, no cache of apt in the last, a user without rights, a health check."""
    text = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    steps = [line.split(None, 1) for line in text.splitlines() if line and line[0] != "#"]
    last = steps[max(at for at, step in enumerate(steps) if step[0] == "FROM") :]
    named = dict(last)

    assert [rest for word, rest in steps if word == "FROM"] == ["${BASE} AS build", "${BASE}"]
    assert not any(word == "ADD" for word, _ in steps)
    assert all("--no-install-recommends" in rest for _, rest in steps if "apt-get install" in rest)
    assert "rm -rf /var/lib/apt/lists/*" in named["RUN"]
    assert named["USER"] == "passthru"
    assert named["ENTRYPOINT"] == '["passthru"]'
    assert "ask_health" in named["HEALTHCHECK"]
    assert ":latest" not in steps[0][1]
