"""A server process: started in the foreground, waited for, measured, ended by its pid."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from tests.bench.address import Address

_START_SECONDS: Final = 20.0
_STOP_SECONDS: Final = 10.0
_TICKS: Final = os.sysconf("SC_CLK_TCK")


class Server(Protocol):
    """What a row needs of a server under test."""

    @property
    def address(self) -> Address:
        """Where it serves."""

    @property
    def pids(self) -> tuple[int, ...]:
        """Its first processes, whose children belong to it."""

    def close(self) -> None:
        """End it."""


@dataclass(frozen=True, slots=True)
class Process:
    """A program that serves at `address`."""

    address: Address
    popen: subprocess.Popen[bytes]

    @property
    def pids(self) -> tuple[int, ...]:
        """Its first process."""
        return (self.popen.pid,)

    def close(self) -> None:
        """End it, and wait for that."""
        self.popen.terminate()
        try:
            self.popen.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait(_STOP_SECONDS)


def start(command: Sequence[str], address: Address, log: Path) -> Process:
    """Run a program and return once `address` takes connections; what it says goes to `log`."""
    with log.open("wb") as output:
        popen = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
    process = Process(address, popen)
    deadline = time.monotonic() + _START_SECONDS
    while not _listens(address):
        if popen.poll() is not None or time.monotonic() > deadline:
            process.close()
            said = log.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise RuntimeError(f"{' '.join(command)} does not serve:\n{said}")
        time.sleep(0.02)
    return process


def cpu_seconds(*pids: int) -> float:
    """Return the processor time that processes and all below them have used so far."""
    total = 0
    for member in family(pids) if pids else ():
        try:
            fields = _stat(member)
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])  # utime and stime of proc(5)
    return total / _TICKS


def family(pids: Sequence[int]) -> Iterator[int]:
    """Return the ids of processes and of all below them."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents.setdefault(int(_stat(int(entry.name))[1]), []).append(int(entry.name))
            except OSError:
                continue
    todo = [*pids]
    while todo:
        member = todo.pop()
        yield member
        todo += parents.get(member, ())


def _stat(pid: int) -> list[str]:
    """Return the fields after the program's name, which may hold anything."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()


def _listens(address: Address) -> bool:
    try:
        socket.create_connection(address, timeout=1).close()
    except OSError:
        return False
    return True
