"""A LAN in this machine: network namespaces on one bridge, and programs that run in them."""

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self, TypeVar

T = TypeVar("T")

PYTHON: Final = (sys.executable, "-P")
_SECONDS: Final = 10.0


def eventually(claim: Callable[[], T], *, seconds: float = _SECONDS, every: float = 0.05) -> T:
    """Return what `claim` says as soon as that is something; AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := claim()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {found!r}"
        time.sleep(every)
    return found


def ip(*words: str) -> None:
    """Change something about the network."""
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=10)


@dataclass
class Program:
    """One program in a namespace, in a session of its own."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def said(self) -> str:
        """All that it has written so far."""
        return self.log.read_text(errors="replace")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, wait for the end, and return the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
        return self.process.wait(10)


@dataclass
class Host:
    """One machine: a namespace with its interface `lan0` on the bridge, and a /run of its own."""

    name: str
    namespace: str
    address: str
    address_6: str
    folder: Path
    programs: list[Program] = field(default_factory=list)

    def ip(self, *words: str) -> None:
        """Change something about its network."""
        ip("-n", self.namespace, *words)

    def command(self, *words: str) -> list[str]:
        """Return a command line that runs inside."""
        return ["ip", "netns", "exec", self.namespace, *words]

    def run(self, *words: str, timeout: float = 20) -> str:
        """Run a program inside to its end, and return what it prints; its exit status is its own."""
        done = subprocess.run(
            self.command(*words),
            check=False,
            capture_output=True,
            cwd=self.folder,
            env=self.environment,
            text=True,
            timeout=timeout,
        )
        return done.stdout

    def start(self, *words: str) -> Program:
        """Start a program inside; it ends with the LAN."""
        log = self.folder / f"{len(self.programs)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                self.command(*words),
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.programs.append(Program(process, log))
        return self.programs[-1]

    @property
    def environment(self) -> dict[str, str]:
        """That of a user with a home of its own."""
        return {
            **os.environ,
            "HOME": str(self.folder),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        }

    def passthru(self, *words: str) -> Program:
        """Start passthru inside."""
        return self.start(*PYTHON, "-m", "passthru", *words)

    def discover(self, *words: str, seconds: float = 1.2) -> list[dict[str, Any]]:
        """Return what `passthru discover --json` lists here."""
        text = self.run(
            *PYTHON, "-m", "passthru", "discover", "--json", "--wait", str(seconds), *words
        )
        found: list[dict[str, Any]] = json.loads(text)["caches"]
        return found

    def stop(self) -> None:
        """End all programs."""
        for program in self.programs:
            if program.process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(program.process.pid, signal.SIGKILL)
                program.process.wait(10)
        self.programs.clear()


class Lan:
    """Some hosts on one bridge; `with` makes it and removes it."""

    def __init__(
        self, *names: str, network: str = "10.213.7", network_6: str = "fd00:213:7"
    ) -> None:
        """Name the hosts; each has an address that ends in its number."""
        self.tag = secrets.token_hex(4)
        self.folder = Path(tempfile.mkdtemp(prefix="pt-"))
        self.folder.chmod(0o755)
        self.bridge = f"ptbr{self.tag}"
        self.hosts = [
            Host(
                name,
                f"pt{self.tag}{name}",
                f"{network}.{number}",
                f"{network_6}::{number}",
                self.folder / name,
            )
            for number, name in enumerate(names, start=1)
        ]

    def __enter__(self) -> Self:
        try:
            ip("netns", "add", self.bridge)
            ip("-n", self.bridge, "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
            ip("-n", self.bridge, "link", "set", "br0", "up")
            for number, host in enumerate(self.hosts):
                self._add(host, number)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for host in self.hosts:
            host.stop()
            subprocess.run(["ip", "netns", "del", host.namespace], check=False, capture_output=True)
        subprocess.run(["ip", "netns", "del", self.bridge], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __getitem__(self, name: str) -> Host:
        return next(host for host in self.hosts if host.name == name)

    def port_of(self, host: Host) -> str:
        """Return the bridge's end of a host's cable."""
        return f"p{self.hosts.index(host)}"

    def unplug(self, host: Host) -> None:
        """Take a host off the net without a word: its own interface stays up."""
        ip("-n", self.bridge, "link", "set", self.port_of(host), "nomaster")

    def plug(self, host: Host) -> None:
        """Put it back."""
        ip("-n", self.bridge, "link", "set", self.port_of(host), "master", "br0")

    def _add(self, host: Host, number: int) -> None:
        host.folder.mkdir(parents=True)
        ip("netns", "add", host.namespace)
        ip(
            *("link", "add", f"p{number}", "netns", self.bridge, "type", "veth"),
            *("peer", "name", "lan0", "netns", host.namespace),
        )
        # No duplicate address detection: two seconds that no test waits for.
        sysctl = "echo 0 > /proc/sys/net/ipv6/conf/{}/accept_dad"
        for where in ("all", "lan0"):
            subprocess.run(
                host.command("sh", "-c", sysctl.format(where)), check=True, capture_output=True
            )
        host.ip("addr", "add", f"{host.address}/24", "dev", "lan0")
        host.ip("addr", "add", f"{host.address_6}/64", "dev", "lan0", "nodad")
        host.ip("link", "set", "lo", "up")
        host.ip("link", "set", "lan0", "up")
        ip("-n", self.bridge, "link", "set", f"p{number}", "master", "br0", "up")


def may_have_namespaces() -> bool:
    """Say whether this user may make network namespaces here."""
    name = f"pt-try-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], check=False, capture_output=True)
    subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
    return made.returncode == 0


def parsed(lines: str, kind: str) -> Iterator[Sequence[str]]:
    """Yield the fields of those lines of `avahi-browse -p` that begin with `kind`."""
    for line in lines.splitlines():
        if line.startswith(kind):
            yield line.split(";")
