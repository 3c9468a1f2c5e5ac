"""A NixOS machine as the module makes it: evaluated, never built, and looked at as plain values."""

import json
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.checkout import ROOT
from tests.nix.clients import Nix

STUB: Final = ROOT / "tests/nixos/stub/nixos.nix"
SECONDS: Final = 60
SETTINGS: Final = {
    "LC_ALL": "C",
    "NIX_CONFIG": "build-users-group =\nsubstituters =\nexperimental-features = nix-command\n",
    "PATH": "/usr/bin:/bin",
}


class EvaluationError(Exception):
    """Nix refused the configuration; the text is Nix's own."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a machine is evaluated: an own store, and programs that stand for its packages."""

    folder: Path
    passthru: Path
    nginx: Path
    nginx_version: str = "1.30.0"
    elsewhere: Path | None = None
    """Where what derivations make will be, if not in the folder."""

    @property
    def store(self) -> Path:
        """Where the files are that Nix writes to /nix/store."""
        return self.folder / "store/nix/store"

    @property
    def out(self) -> Path:
        """The directory of what derivations would make."""
        return self.elsewhere or self.folder / "out"


@dataclass(frozen=True, slots=True)
class NixosMachine:
    """What came out."""

    place: Place
    summary: Mapping[str, Any]

    @property
    def wrong(self) -> str:
        """The messages of all assertions that do not hold."""
        return "\n".join(self.summary["wrong"])

    @property
    def host(self) -> Mapping[str, Any]:
        """The virtual host that serves the cache."""
        hosts: Mapping[str, Mapping[str, Any]] = self.summary["nginx"]["virtualHosts"]
        return hosts["passthru-cache"]

    def service(self, name: str) -> Mapping[str, Any]:
        """Return what systemd is told of a service."""
        services: Mapping[str, Mapping[str, Any]] = self.summary["services"]
        return services[name]

    def here(self, text: str) -> str:
        """Return `text` with the paths of the store as this machine has them."""
        return text.replace("/nix/store/", f"{self.place.store}/")

    def written(self, suffix: str) -> Any:  # noqa: ANN401 - JSON
        """Return what the one file of JSON in the store holds whose name ends so."""
        words = shlex.split(self.here(self.summary["render"]))
        return json.loads(Path(next(w for w in words if w.endswith(suffix))).read_text())

    def build(self) -> subprocess.CompletedProcess[str]:
        """Run the command of the derivation that renders, as its builder would."""
        self.place.out.mkdir(exist_ok=True)
        return subprocess.run(
            ["sh", "-euc", self.here(self.summary["render"])],
            env={"HOME": "/homeless", "PATH": "/bin", "out": f"{self.place.out}/passthru-nginx"},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )


def evaluate(nix: Nix, place: Place, configuration: str, attribute: str = "summary") -> Any:  # noqa: ANN401 - JSON
    """Evaluate a module's text and return an attribute; raises EvaluationError."""
    module = place.folder / "configuration.nix"
    module.write_text(configuration)
    arguments = {
        "out": place.out,
        "passthru": place.passthru,
        "nginx": place.nginx,
        "nginxVersion": place.nginx_version,
    }
    done = subprocess.run(
        [
            *(str(nix.programs / "nix"), "eval", "--json", "--store", str(place.folder / "store")),
            *("--file", str(STUB), attribute, "--arg", "configuration", str(module)),
            *(word for name, value in arguments.items() for word in ("--argstr", name, str(value))),
        ],
        env=SETTINGS | {"HOME": str(place.folder), "TMPDIR": str(place.folder)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode:
        raise EvaluationError(done.stderr)
    return json.loads(done.stdout)


def make(nix: Nix, place: Place, configuration: str) -> NixosMachine:
    """Return the machine of a configuration; raises EvaluationError."""
    return NixosMachine(place, evaluate(nix, place, configuration))
