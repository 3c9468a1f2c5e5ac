"""Two hosts made of network namespaces: one with the servers under test, one with everything else.

Between them is a veth pair with Ethernet's segment size, for loopback's of 64 KB hides what
sendfile and tcp_nopush do. The benchmark itself runs inside the second host, in a process namespace
of its own: whatever it started ends with it.
"""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MTU: Final = 1500
_INSIDE: Final = "PASSTHRU_BENCH_INSIDE"
_WRAP: Final = ("unshare", "--net", "--pid", "--fork", "--mount-proc", "--kill-child=KILL")
_SERVER: Final = "10.77.0.1"
_LOAD: Final = "10.77.0.2"
_LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Network:
    """The two hosts; `prefix` starts a program on the first one, and on its core."""

    server: str
    load: str
    prefix: tuple[str, ...]
    cores: tuple[int, int]
    """That of the servers and that of everything else; a machine may have only one."""

    mtu: int
    real: bool
    """False: no namespaces could be made, and both hosts are this machine's loopback."""


def is_inside() -> bool:
    """Tell whether this process is the one that `run_inside` started."""
    return bool(os.environ.get(_INSIDE))


def why_not_inside() -> str | None:
    """Return why there can be no namespaces, or None."""
    try:
        subprocess.run([*_WRAP, "true"], check=True, capture_output=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return "the system refuses them" if os.geteuid() == 0 else "they need root"
    return None


def run_inside(module: str, arguments: Sequence[str]) -> int:
    """Run `python -m module` in namespaces of its own; returns its exit code, and leaves nothing."""
    command = [*_WRAP, sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, env={**os.environ, _INSIDE: "1"}) as child:
        try:
            return child.wait()
        finally:
            child.kill()  # and with unshare the first process inside, and with it all others


@contextlib.contextmanager
def make_network(*, real: bool) -> Iterator[Network]:
    """Make both hosts, inside the namespaces of `run_inside`; they end with the block."""
    usable = sorted(os.sched_getaffinity(0))
    cores = usable[0], usable[:2][-1]
    pin = ("taskset", "-c", str(cores[0]))
    os.sched_setaffinity(0, {cores[1]})
    if not real:
        yield Network(_LOOPBACK, _LOOPBACK, pin, cores, _mtu("lo"), real=False)
        return
    holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
    try:
        namespace = _wait_for_namespace(holder.pid)
        inside = ("nsenter", f"--net={namespace}")
        pair = f"ip link add pt-load mtu {MTU} type veth peer name pt-server mtu {MTU}"
        for command in (
            f"ip link set lo up mtu {MTU}",
            f"{pair} netns {holder.pid}",
            f"ip address add {_LOAD}/24 dev pt-load",
            "ip link set pt-load up",
        ):
            subprocess.run(command.split(), check=True, timeout=10)
        for command in (
            f"ip link set lo up mtu {MTU}",
            f"ip address add {_SERVER}/24 dev pt-server",
            "ip link set pt-server up",
        ):
            subprocess.run([*inside, *command.split()], check=True, timeout=10)
        yield Network(_SERVER, _LOAD, (*inside, *pin), cores, MTU, real=True)
    finally:
        holder.kill()
        holder.wait()


def _wait_for_namespace(pid: int) -> str:
    ours = Path("/proc/self/ns/net").readlink()
    theirs = Path(f"/proc/{pid}/ns/net")
    deadline = time.monotonic() + 10
    while theirs.readlink() == ours:
        if time.monotonic() > deadline:
            raise TimeoutError("the second network namespace was not made")
        time.sleep(0.01)
    return str(theirs)


def _mtu(device: str) -> int:
    return int(Path(f"/sys/class/net/{device}/mtu").read_text(encoding="ascii"))
