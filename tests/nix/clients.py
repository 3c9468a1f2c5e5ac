"""Real Nix clients of several versions, each run hermetic: own home, own store, clean environment.

Debian 12 has 2.8, Debian 13 has 2.26 and the unstable release moves; whatever version a suite
holds is taken.
"""

import contextlib
import functools
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.debian import UnavailableError, fetch_folder, release_codename

SUITES: Final = ("bookworm", "trixie", "sid")
TOOLS: Final = ("nix", "nix-store", "nix-build")
RUN_SECONDS: Final = 60.0

CONF: Final = """\
build-users-group =
connect-timeout = 5
experimental-features = nix-command ca-derivations
substituters =
"""


@dataclass(frozen=True, slots=True)
class Nix:
    """One version of Nix; `programs` is the directory of its tools."""

    suite: str
    version: str
    programs: Path

    @property
    def number(self) -> tuple[int, ...]:
        """The version as numbers, `(2, 26, 3)`."""
        return tuple(int(part) for part in re.findall(r"\d+", self.version))

    @property
    def without_hook(self) -> tuple[str, ...]:
        """The options that let it build by itself.

        A Nix started through a loader takes the loader for its build hook; 2.8 runs an empty hook.
        """
        return ("--option", "build-hook", "") if self.number > (2, 9) else ()


@dataclass(frozen=True, slots=True)
class Run:
    """What a client's command came to."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Client:
    """A machine that uses caches: one version of Nix with a home and a store in `folder`."""

    nix: Nix
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """The version of Nix, as it prints it."""
        return self.nix.version

    @property
    def store(self) -> Path:
        """The root below which this client has its own /nix/store."""
        return self.folder / "store"

    def run(self, tool: str, *arguments: object, timeout: float = RUN_SECONDS) -> Run:
        """Run a tool on the client's own files; raises TimeoutExpired after `timeout` seconds."""
        conf = self.folder / "conf"
        conf.mkdir(parents=True, exist_ok=True)
        (conf / "nix.conf").write_text(CONF, encoding="utf-8")
        # A set but empty XDG_CACHE_HOME would make Nix 2.8 keep its caches in /nix: nothing of
        # the caller's environment gets through.
        environment = {
            "HOME": str(self.folder / "home"),
            "LC_ALL": "C",
            "NIX_CONF_DIR": str(conf),
            "PATH": "/usr/bin:/bin",
            "TMPDIR": str(self.folder),
            **self.environment,
        }
        (self.folder / "home").mkdir(exist_ok=True)
        done = subprocess.run(
            [str(self.nix.programs / tool), *(str(argument) for argument in arguments)],
            check=False,
            capture_output=True,
            cwd=self.folder,
            encoding="utf-8",
            env=environment,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=timeout,
        )
        return Run(code=done.returncode, out=done.stdout, err=done.stderr)

    def succeed(self, tool: str, *arguments: object) -> str:
        """Run a tool that must succeed; return what it prints."""
        run = self.run(tool, *arguments)
        assert run.code == 0, f"nix {self.version}: {tool} exits {run.code}\n{run.err}"
        return run.out

    def substitute(
        self, path: str, *, caches: tuple[str, ...], keys: tuple[str, ...], attempts: int = 5
    ) -> Run:
        """Have a store path and its closure come from `caches`, signatures checked with `keys`.

        `attempts` is how often a request is made before it counts as failed; 5 is Nix's own number.
        """
        return self.run(
            "nix-store",
            *("--store", self.store, "--realise", path),
            *("--option", "substituters", " ".join(caches)),
            *("--option", "trusted-public-keys", " ".join(keys)),
            *("--option", "download-attempts", attempts),
        )

    def paths(self) -> frozenset[str]:
        """Return all store paths that this client's store holds valid."""
        return frozenset(self.succeed("nix", "path-info", "--store", self.store, "--all").split())


def first_nix() -> Nix:
    """Return the Nix of the first suite there is; raises UnavailableError for the last one."""
    *others, last = SUITES
    for suite in others:
        with contextlib.suppress(UnavailableError):
            return nix_of(suite)
    return nix_of(last)


@functools.cache
def nix_of(suite: str) -> Nix:
    """Return the Nix of a suite: the installed one on that very release, else from a folder.

    Raises UnavailableError.
    """
    programs = Path("/usr/bin")
    if suite != release_codename() or not all((programs / tool).exists() for tool in TOOLS):
        folder = fetch_folder("nix-bin", suite, dict.fromkeys(TOOLS, "usr/bin/nix"))
        programs = folder.root / "wrappers"
    asked = subprocess.run(
        [str(programs / "nix"), "--version"], check=True, capture_output=True, text=True, timeout=10
    )
    version = re.search(r"(\d+\.\d+\S*)", asked.stdout)
    if version is None:
        raise UnavailableError(f"the nix of {suite} does not say its version")
    return Nix(suite=suite, version=version[1], programs=programs)
