"""A Debian that is booted: systemd is its process 1, and its network leads to one namespace only."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.debian import UnavailableError
from tests.packaging.debian_root import DebianRoot
from tests.waiting import eventually

BOOT_SECONDS: Final = 40.0
COMMAND_SECONDS: Final = 60.0
INSIDE: Final = "10.213.7.1"
BESIDE: Final = "10.213.7.2"

_PLACE: Final = Path("/run/netns")
_FRESH: Final = ("env", "-i", "-C", "/", "HOME=/root", "LANG=C.UTF-8", "PATH=/usr/sbin:/usr/bin")


class ConfinedError(Exception):
    """This machine is itself confined, and may not run containers."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a command came to; `out` has both of its streams."""

    code: int
    out: str


@dataclass(frozen=True, slots=True)
class Network:
    """Two namespaces joined by a wire, and no others: the container's, and the one beside it."""

    inside: str
    beside: str

    def command(self, *words: str) -> list[str]:
        """Return what to run so that `words` run in the namespace beside."""
        return ["nsenter", f"--net={_PLACE / self.beside}", *words]


@contextmanager
def network() -> Iterator[Network]:
    """Join two new namespaces; raises UnavailableError where that is not allowed."""
    made = Network(f"pt{os.getpid()}a", f"pt{os.getpid()}b")
    with ExitStack() as stack:
        for name in (made.inside, made.beside):
            _ip("netns", "add", name)
            stack.callback(_ip, "netns", "delete", name)
            _ip("-n", name, "link", "set", "lo", "up")
        _ip(
            *("link", "add", "wire", "netns", made.inside, "type", "veth"),
            *("peer", "name", "wire", "netns", made.beside),
        )
        for name, address in ((made.inside, INSIDE), (made.beside, BESIDE)):
            _ip("-n", name, "address", "add", f"{address}/24", "dev", "wire")
            _ip("-n", name, "link", "set", "wire", "up")
        yield made


@dataclass(slots=True)
class Container:
    """A Debian root that can be booted, asked and shut down; `log` is what its console shows."""

    root: DebianRoot
    network: Network
    log: Path
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def boot(self) -> None:
        """Start it, and wait until it has come to the end of its start."""
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(
                [
                    *("systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit"),
                    *("--kill-signal=SIGRTMIN+3", f"--machine={self.network.inside}"),
                    *("--directory", str(self.root.path)),
                    f"--network-namespace-path={_PLACE / self.network.inside}",
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        if not eventually(self._is_up, seconds=BOOT_SECONDS):
            said = self.log.read_text(encoding="utf-8", errors="replace")
            raise AssertionError(f"it does not boot:\n{said[-2000:]}")

    def shut_down(self) -> None:
        """End it as a power button does, and by force after a while."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)  # nspawn hands it on as --kill-signal
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            self.root.kill_all()
            process.wait(10)

    def run(self, *words: str) -> Done:
        """Run a command inside, as root."""
        done = subprocess.run(
            [
                *("nsenter", f"--target={self._leader()}"),
                *("--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup"),
                *(*_FRESH, *words),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=COMMAND_SECONDS,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        return Done(done.returncode, done.stdout)

    def succeed(self, *words: str) -> str:
        """Run a command that must succeed; return what it says."""
        done = self.run(*words)
        assert done.code == 0, f"{' '.join(words)} exits {done.code}\n{done.out}\n{self.journal()}"
        return done.out.strip()

    def show(self, unit: str, name: str) -> str:
        """Return a property of a unit."""
        return self.succeed("systemctl", "show", "--value", f"--property={name}", unit)

    def journal(self, *options: str) -> str:
        """Return the journal's last lines."""
        return self.run("journalctl", "--no-pager", "--lines=80", *options).out

    def _is_up(self) -> bool:
        process = self._process
        if process is None or process.poll() is not None:
            return True
        try:
            return self.run("systemctl", "is-system-running").out.strip() in {
                "running",
                "degraded",
            }
        except ProcessLookupError:
            return False

    def _leader(self) -> int:
        """Return its process 1, as we see it; raises ProcessLookupError."""
        pid = self._process.pid if self._process else 0
        try:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        except OSError:
            children = []
        if not children:
            raise ProcessLookupError(pid)
        return int(children[0])


@contextmanager
def container(root: DebianRoot) -> Iterator[Container]:
    """Return a container of `root`, not booted yet; nothing of it is left at the end.

    Raises UnavailableError, and ConfinedError.
    """
    if shutil.which("systemd-nspawn") is None:
        raise UnavailableError("systemd-nspawn is not installed")
    _try(root)
    with network() as wires, tempfile.TemporaryDirectory() as folder:
        made = Container(root, wires, Path(folder) / "console")
        try:
            yield made
        finally:
            made.shut_down()


def _try(root: DebianRoot) -> None:
    options = ("--quiet", "--register=no", "--keep-unit", "--directory", str(root.path))
    tried = subprocess.run(
        ["systemd-nspawn", *options, "true"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=COMMAND_SECONDS,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if tried.returncode != 0:
        raise ConfinedError(f"systemd-nspawn cannot run here: {tried.stderr.strip()}")


def _ip(*words: str) -> None:
    done = subprocess.run(
        ["ip", *words], capture_output=True, timeout=20, check=False, encoding="utf-8"
    )
    if done.returncode != 0:
        raise UnavailableError(f"no network of our own: ip {' '.join(words)}: {done.stderr}")
