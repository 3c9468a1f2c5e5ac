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

from tests.debian import Mirror, UnavailableError, cache_directory, find_mirror, locked

BOOTSTRAP_SECONDS: Final = 300
FRESH_SECONDS: Final = 24 * 3600
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

    It has the `packages` too, and the services among them do not start on their own. Raises UnavailableError where that cannot be done: no root, no debootstrap, no mirror.
    """
    _require_rights()
    mirror = find_mirror()
    with tempfile.TemporaryDirectory(prefix=f"passthru-{suite}-", dir=_workplace()) as work:
        root = DebianRoot(Path(work) / "root")
        _unpack(root, suite, packages, mirror)
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


def _unpack(root: DebianRoot, suite: str, packages: tuple[str, ...], mirror: Mirror) -> None:
    """Put a Debian with `packages` there, made at most once a day for all tests and workers."""
    kept = cache_directory() / f"debian-{'+'.join((suite, *packages))}.tar"
    with locked(kept):
        if kept.exists() and time.time() - kept.stat().st_mtime < FRESH_SECONDS:
            root.path.mkdir()
            _must(["tar", "--extract", "--file", str(kept), "--directory", str(root.path)])
            return
        if packages:
            _unpack(root, suite, (), mirror)
            _show_way_out(root)
            _install(root, packages)
        else:
            _bootstrap(root, suite, mirror)
        beside = kept.with_suffix(".new")
        beside.touch(mode=0o600)  # the way out may need a password
        _must(["tar", "--create", "--file", str(beside), "--directory", str(root.path), "."])
        beside.replace(kept)


def _bootstrap(root: DebianRoot, suite: str, mirror: Mirror) -> None:
    secure = ["--include=ca-certificates"] if mirror.uri.startswith("https:") else []
    options = ["--variant=minbase", f"--keyring={mirror.keyring}", *secure]
    # In a namespace, because debootstrap leaves its mounts behind when it is killed.
    _must(["unshare", "--mount", "debootstrap", *options, suite, str(root.path), mirror.uri])


def _install(root: DebianRoot, packages: tuple[str, ...]) -> None:
    policy = root.inside("/usr/sbin/policy-rc.d")
    policy.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
    policy.chmod(0o755)
    _must(root.command("apt-get", "update", "-qq"), root.environment())
    options = ("-qq", "-y", "--no-install-recommends")
    _must(root.command("apt-get", "install", *options, *packages), root.environment())
    _must(root.command("apt-get", "clean"), root.environment())
    policy.unlink()


def _must(command: list[str], environment: Mapping[str, str] | None = None) -> None:
    """Run what makes the root; raises UnavailableError."""
    name = " ".join(command[:3])
    try:
        done = subprocess.run(
            command,
            env=environment and {**environment, "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=BOOTSTRAP_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"{name} took over {BOOTSTRAP_SECONDS} s") from error
    if done.returncode != 0:
        last = (done.stdout.strip().splitlines() or ["it said nothing"])[-1]
        raise UnavailableError(f"{name} failed: {last}")


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
