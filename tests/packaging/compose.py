"""compose.yaml: as it is written, and as Compose itself understands it."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from typing import Any, Final

from tests.checkout import ROOT
from tests.debian import UnavailableError

FILE: Final = ROOT / "compose.yaml"
_TO_JSON: Final = "import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)"


def read_services() -> Mapping[str, Any]:
    """Return the services as they are written; raises UnavailableError without a reader of YAML."""
    # Debian's Compose brings the system's Python one; ours has none.
    read = subprocess.run(
        ["/usr/bin/python3", "-c", _TO_JSON],
        input=FILE.read_bytes(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    if read.returncode != 0:
        raise UnavailableError(f"the system's Python reads no YAML: {read.stderr.decode()[-200:]}")
    services: Mapping[str, Any] = json.loads(read.stdout)["services"]
    return services


def understood(*options: str, **environment: str) -> str:
    """Return what Compose makes of the file; raises UnavailableError without Compose."""
    told = subprocess.run(
        [*_compose(), "--file", str(FILE), *options, "config"],
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent", **environment},
        capture_output=True,
        timeout=60,
        encoding="utf-8",
        check=False,
    )
    assert told.returncode == 0, told.stderr
    return told.stdout


def _compose() -> list[str]:
    """Return how Compose is called here."""
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    if shutil.which("docker"):
        asked = subprocess.run(
            ["docker", "compose", "version"], capture_output=True, timeout=30, check=False
        )
        if asked.returncode == 0:
            return ["docker", "compose"]
    raise UnavailableError("neither docker-compose nor `docker compose` is installed")
