"""A whole bare Debian in a directory, to install into as on a new machine.

Nothing is mounted where others see it: each command has a mount namespace of its own, which goes
with its last process. The network is the machine's.
"""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.debian import Mirror, UnavailableError, find_mirror

BOOTSTRAP_SECONDS: Final = 300
MEMORY: Final = "/dev/shm"  # noqa: S108 - the names made in it are random
ENOUGH_MEMORY: Final = 4 << 30
AUTHORITIES: Final = Path("/usr/local/share/ca-certificates")

ENTER: Final = """\
root=$1
shift
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
mount --bind /dev/pts "$root/dev/pts"
exec chroot "$root" "$@"
"""

# What a machine may tell its programs about its way to the network.
_WAY_OUT: Final = re.compile(
    r"PIP_.*|SSL_CERT_(FILE|DIR)|(REQUESTS|CURL)_CA_BUNDLE|(https?|no|all)_proxy", re.IGNORECASE
)
_APT_WAY_OUT: Final = re.compile(r"^\s*Acquire::(https?|ftp|Check|AllowI|Retries)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class DebianRoot:
    """A bare Debian, reached through `command`."""

    path: Path

    def command(self, *words: str) -> list[str]:
        """Return what to run, as root, so that `words` run inside; the process id stays theirs."""
        return ["unshare", "--mount", "sh", "-ec", ENTER, "enter", str(self.path), *words]

    def environment(self) -> dict[str, str]:
        """Return the variables of a fresh login, and those that lead to the network here."""
        fresh = {"HOME": "/root", "LANG": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        return {**fresh, **_way_out()}

    def inside(self, path: str | Path) -> Path:
        """Return where an absolute path of the Debian is for us."""
        return self.path / str(path).lstrip("/")

    def processes(self) -> dict[int, str]:
        """Return the command lines of all that run inside, zombies left out, by process id."""
        home = self.path.stat()
        found = {}
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and os.path.samestat((entry / "root").stat(), home):
                    words = (entry / "cmdline").read_bytes().split(b"\0")
                    found[int(entry.name)] = b" ".join(words).decode(errors="replace").strip()
            except OSError:  # it has ended meanwhile
                continue
        return found

    def kill_all(self) -> None:
        """End everything that runs inside, or raise after ten seconds."""
        deadline = time.monotonic() + 10
        while running := self.processes():
            for process in running:
                os.kill(process, signal.SIGKILL)
            if time.monotonic() > deadline:
                raise TimeoutError(f"still running: {running}")
            time.sleep(0.05)


@contextmanager
def debian_root(suite: str, *packages: str) -> Iterator[DebianRoot]:
    """Make a bare Debian of a suite that knows this machine's way out, and delete it at the end.

    It has the `packages` too. Raises UnavailableError where that cannot be done: no root, no debootstrap, no mirror.
    """
    _require_rights()
    mirror = find_mirror()
    with tempfile.TemporaryDirectory(prefix=f"passthru-{suite}-", dir=_workplace()) as work:
        root = DebianRoot(Path(work) / "root")
        _bootstrap(root, suite, mirror, packages)
        _show_way_out(root)
        try:
            yield root
        finally:
            root.kill_all()


def _workplace() -> str | None:
    """Return a file system in memory that can hold two Debians, or None: dpkg syncs every file."""
    try:
        facts = os.statvfs(MEMORY)
    except OSError:
        return None
    roomy = facts.f_bavail * facts.f_frsize >= ENOUGH_MEMORY
    return MEMORY if roomy and not facts.f_flag & (os.ST_NODEV | os.ST_NOEXEC) else None


def _require_rights() -> None:
    if os.geteuid() != 0:
        raise UnavailableError("a Debian root can be made by root only")
    if not shutil.which("debootstrap"):
        raise UnavailableError("debootstrap is not installed")
    probe = subprocess.run(
        ["unshare", "--mount", "true"], capture_output=True, timeout=10, check=False
    )
    if probe.returncode != 0:
        raise UnavailableError(f"no mount namespace: {probe.stderr.decode().strip()}")


def _bootstrap(root: DebianRoot, suite: str, mirror: Mirror, packages: tuple[str, ...]) -> None:
    secure = ("ca-certificates",) if mirror.uri.startswith("https:") else ()
    wanted = ",".join((*secure, *packages))
    options = ["--variant=minbase", f"--keyring={mirror.keyring}"]
    options += [f"--include={wanted}"] if wanted else []
    command = ["debootstrap", *options, suite, str(root.path), mirror.uri]
    try:
        # In a namespace, because debootstrap leaves its mounts behind when it is killed.
        made = subprocess.run(
            ["unshare", "--mount", *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=BOOTSTRAP_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"debootstrap took over {BOOTSTRAP_SECONDS} s") from error
    if made.returncode != 0:
        last = (made.stdout.strip().splitlines() or ["it said nothing"])[-1]
        raise UnavailableError(f"debootstrap {suite} failed: {last}")


def _show_way_out(root: DebianRoot) -> None:
    """Give the Debian what an administrator here would: names, CAs, and settings of apt and pip."""
    files = [Path("/etc/hosts"), Path("/etc/resolv.conf"), *AUTHORITIES.glob("**/*.crt")]
    files += [Path("/etc/pip.conf"), Path("/etc/xdg/pip/pip.conf"), Path("/etc/apt/auth.conf")]
    files += Path("/etc/apt/auth.conf.d").glob("*")
    files += [path for path in Path("/etc/apt/apt.conf.d").glob("*") if _is_way_out(path)]
    for path in files:
        _copy(path, root.inside(path))
    for name in (".config/pip/pip.conf", ".pip/pip.conf"):
        _copy(Path.home() / name, root.inside("/root") / name)
    for path in _named_files(_way_out()):
        _copy(path, root.inside(path))
    if root.inside("/usr/sbin/update-ca-certificates").exists():
        subprocess.run(root.command("update-ca-certificates"), check=True, timeout=60)


def _way_out() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if _WAY_OUT.fullmatch(name)}


def _is_way_out(path: Path) -> bool:
    return path.is_file() and bool(_APT_WAY_OUT.search(path.read_text(errors="replace")))


def _named_files(environment: Mapping[str, str]) -> Iterator[Path]:
    """Yield what the variables name: bundles of CAs, folders of wheels, files of constraints.

    A bundle that Debian makes itself is left to it.
    """
    for value in environment.values():
        for word in value.split():
            path = Path(word)
            if path.is_absolute() and path.exists() and not path.is_relative_to("/etc/ssl"):
                yield path


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    elif source.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
