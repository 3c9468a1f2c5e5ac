"""Programs of other Debian releases, unpacked in a folder: no root, no container, no installation.

`apt-get` downloads the packages from the mirror that this machine's own apt sources name, and
`dpkg-deb` unpacks them; no script of theirs is run. A small wrapper starts a program through the
folder's own dynamic loader, so that it never meets the libraries of this machine. Folders are kept
for later runs in $PASSTHRU_TEST_CACHE, by default `passthru-tests` in the user's cache directory;
delete one to have it fetched anew (the unstable release moves).
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

import pytest

SOURCES: Final = Path("/etc/apt")
KEYRING: Final = "/usr/share/keyrings/debian-archive-keyring.gpg"
APT_SECONDS: Final = 110.0

WRAPPER: Final = """\
#!/bin/sh
r=${{0%/*}}/..
exec "$r/{loader}" --argv0 {name} --library-path "{libraries}" "$r/{program}" "$@"
"""


class UnavailableError(Exception):
    """A package cannot be had here: no apt, no Debian mirror, or no network."""


@dataclass(frozen=True, slots=True)
class Mirror:
    """Where this machine gets Debian from: a base URI and the keyring that signs it."""

    uri: str
    keyring: str


@dataclass(frozen=True, slots=True)
class Folder:
    """The unpacked packages of one suite, and the wrappers that run their programs."""

    suite: str
    root: Path

    def wrapper(self, name: str) -> Path:
        """Return the executable that runs as `name`."""
        return self.root / "wrappers" / name


def must_have_all() -> bool:
    """Whether $CI says that a missing program is a failure and no reason to skip."""
    return os.environ.get("CI", "").lower() in {"1", "true"}


def unavailable(reason: str) -> NoReturn:
    """Skip the test for `reason`; fail it where $CI says that everything must be there."""
    if must_have_all():
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def cache_directory() -> Path:
    """Return the directory that keeps what the tests download and build, made if need be."""
    given = os.environ.get("PASSTHRU_TEST_CACHE")
    user = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    path = Path(given) if given else Path(user) / "passthru-tests"
    path.mkdir(parents=True, exist_ok=True)
    return path.resolve()


def release_codename() -> str:
    """Return the code name of the Debian release this machine runs, or the empty string."""
    try:
        lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    facts = dict(line.split("=", 1) for line in lines if "=" in line)
    return facts.get("VERSION_CODENAME", "").strip('"') if facts.get("ID") == "debian" else ""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file beside `path`, against the other workers and runs."""
    with path.with_name(f"{path.name}.lock").open("w", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def fetch_folder(package: str, suite: str, programs: Mapping[str, str]) -> Folder:
    """Return `package` of `suite` with all it depends on, downloaded at most once.

    `programs` maps the name a wrapper has and runs under to the program's path in the package.
    Raises UnavailableError.
    """
    final = cache_directory() / f"{package}-{suite}"
    with locked(final):
        if not final.is_dir():
            with tempfile.TemporaryDirectory(prefix=f"{final.name}.", dir=final.parent) as work:
                root = Path(work) / "root"
                root.mkdir()
                _unpack(package, suite, root, apt=Path(work) / "apt")
                _write_wrappers(root, programs)
                root.rename(final)
    return Folder(suite=suite, root=final)


def find_mirror(sources: Path = SOURCES, *, codename: str | None = None) -> Mirror:
    """Return the mirror that serves this machine's release, from apt's sources.

    Reads both formats of sources.list(5). Raises UnavailableError when none is named.
    """
    wanted = release_codename() if codename is None else codename
    for entry in _entries(sources):
        if wanted and wanted in entry["suites"].split() and "main" in entry["components"].split():
            return Mirror(uri=entry["uris"].split()[0], keyring=entry.get("signed-by") or KEYRING)
    raise UnavailableError("the apt sources of this machine name no mirror of a Debian release")


def _entries(sources: Path) -> Iterator[dict[str, str]]:
    parts = sources / "sources.list.d"
    for path in sorted(parts.glob("*.sources")):
        for stanza in path.read_text(encoding="utf-8").split("\n\n"):
            entry = _deb822(stanza)
            if "deb" in entry.get("types", "").split():
                yield {"uris": "", "suites": "", "components": "", **entry}
    for path in (sources / "sources.list", *sorted(parts.glob("*.list"))):
        for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
            entry = _one_line(line)
            if entry:
                yield entry


def _deb822(stanza: str) -> dict[str, str]:
    lines = (line for line in stanza.splitlines() if not line.startswith("#"))
    pairs = (line.split(":", 1) for line in lines if ":" in line and not line.startswith(" "))
    return {name.strip().lower(): value.strip() for name, value in pairs}


def _one_line(line: str) -> dict[str, str]:
    options, words = "", line.split("#", maxsplit=1)[0].strip()
    if "[" in words:
        words, rest = words.split("[", 1)
        options, tail = rest.split("]", 1)
        words += tail
    match words.split():
        case ["deb", uri, suite, *components]:
            pairs = (option.split("=", 1) for option in options.split() if "=" in option)
            named = {name.lower(): value for name, value in pairs}
            return {**named, "uris": uri, "suites": suite, "components": " ".join(components)}
        case _:
            return {}


def _unpack(package: str, suite: str, root: Path, *, apt: Path) -> None:
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise UnavailableError(f"{package} of {suite} needs apt-get and dpkg-deb to be unpacked")
    archives = apt / "cache/archives"
    (archives / "partial").mkdir(parents=True)
    (apt / "lists/partial").mkdir(parents=True)
    (apt / "status").touch()
    mirror = find_mirror()
    (apt / "sources.list").write_text(
        f"deb [signed-by={mirror.keyring}] {mirror.uri} {suite} main\n", encoding="utf-8"
    )
    (apt / "apt.conf").write_text(_apt_conf(apt), encoding="utf-8")
    environment = {**os.environ, "APT_CONFIG": str(apt / "apt.conf"), "LC_ALL": "C"}
    _run(["apt-get", "update", "-qq"], environment)
    _run(["apt-get", "install", "-qq", "--yes", "--download-only", package], environment)
    for archive in sorted(archives.glob("*.deb")):
        _run(["dpkg-deb", "--extract", str(archive), str(root)], environment)


def _apt_conf(apt: Path) -> str:
    settings = {
        "Dir::Etc::sourcelist": apt / "sources.list",
        "Dir::Etc::sourceparts": "-",
        "Dir::State::Lists": apt / "lists",
        "Dir::State::status": apt / "status",
        "Dir::Cache": apt / "cache",
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "root",
        "APT::Update::Error-Mode": "any",
        "Acquire::http::Timeout": "15",
        "Acquire::Retries": "1",
    }
    return "".join(f'{name} "{value}";\n' for name, value in settings.items())


def _run(command: list[str], environment: Mapping[str, str]) -> None:
    try:
        subprocess.run(
            command,
            env=environment,
            check=True,
            timeout=APT_SECONDS,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    except subprocess.CalledProcessError as error:
        said = error.stdout.strip().splitlines()
        last = said[-1] if said else "it said nothing"
        raise UnavailableError(f"{' '.join(command[:2])} failed: {last}") from error
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"{' '.join(command[:2])} took over {APT_SECONDS:.0f} s") from error


def _write_wrappers(root: Path, programs: Mapping[str, str]) -> None:
    # Releases before the merge of /usr have the C library in /lib, later ones in /usr/lib.
    loader = min(
        (found for area in ("lib", "lib64", "usr/lib", "usr/lib64")
         for found in (root / area).glob("ld-linux*.so.*")),
        key=lambda path: len(path.parts),
    )  # fmt: skip
    libraries = [*root.glob("lib/*-linux-gnu*"), *root.glob("usr/lib/*-linux-gnu*")]
    (root / "wrappers").mkdir()
    for name, program in programs.items():
        text = WRAPPER.format(
            loader=loader.relative_to(root),
            name=name,
            libraries=":".join(f"$r/{path.relative_to(root)}" for path in libraries),
            program=program,
        )
        wrapper = root / "wrappers" / name
        wrapper.write_text(text, encoding="utf-8")
        wrapper.chmod(0o755)
