"""The running nginx master of a site: which process it is, its workers, and signals to it."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from passthru.errors import NginxError, NotRunningError
from passthru.nginx.site import Site

_LISTENING: Final = 0x10000  # __SO_ACCEPTCON, linux/net.h


def find_master(site: Site) -> int:
    """Return the process id of the site's nginx master, from its pid file.

    A pid may have been given to another program since, so its command line must name this site's
    configuration. (nginx makes a title of it, except where a wrapper starts it through ld.so.)
    Raises NginxError if the file does not lead to a master that we may signal.
    """
    hint = "stop what runs for this site, then start it again with `passthru up`"
    try:
        text = Path(site.pid_file).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as fault:
        raise NginxError(f"cannot read nginx's pid file: {fault}", hint=hint) from fault
    if not (text.isascii() and text.isdigit()) or int(text) <= 1:
        raise NginxError(
            f"{site.pid_file} does not hold a process id, but {text[:40]!r}", hint=hint
        )
    pid = int(text)
    command = _command_line(pid)
    if os.fsencode(f" -p {site.state} -c {site.live}/nginx.conf") not in command:
        what = command.decode(errors="replace")[:80] or "no process"
        raise NginxError(
            f"{site.pid_file} names process {pid}, which is not this site's nginx, but {what!r}",
            hint=hint,
        )
    return pid


def check_owner(pid: int) -> None:
    """Raise NginxError unless `pid` runs as the same user as we do.

    It could not read what another user writes for it, even if that user were root.
    """
    try:
        owner = Path(f"/proc/{pid}").stat().st_uid
    except OSError:
        return
    if owner != os.geteuid():
        raise NginxError(
            f"the instance runs as user {owner}, and this command as user {os.geteuid()}",
            hint="run this as that user, or send SIGHUP to `passthru up` (systemd:"
            " `systemctl reload passthru`)",
        )


def send(pid: int, number: signal.Signals) -> None:
    """Signal a master; raises NotRunningError if it is gone, NginxError if we may not."""
    try:
        os.kill(pid, number)
    except ProcessLookupError as fault:
        raise NotRunningError("nginx has just ended") from fault
    except PermissionError as fault:
        raise NginxError(
            f"may not signal nginx (process {pid})", hint="run this as the user that started it"
        ) from fault


def serving_workers(site: Site, master: int) -> frozenset[int]:
    """Return the children of a master that take new connections.

    Those hold the site's unix socket open; the others never did, or were told to go.
    """
    socket = f"socket:[{_inode_of(site.socket)}]"
    return frozenset(pid for pid in _children(master) if _has_open(pid, socket))


def _command_line(pid: int) -> bytes:
    """Return a process's command line with spaces between the words; empty if it is gone."""
    try:
        text = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
    return text.rstrip(b"\0").replace(b"\0", b" ")


def _inode_of(path: str) -> str | None:
    """Return the inode of the socket that listens at `path` (proc_net_unix in proc(5))."""
    for line in Path("/proc/net/unix").read_text(errors="surrogateescape").splitlines():
        words = line.split(maxsplit=7)
        if len(words) == 8 and words[7] == path and int(words[3], 16) & _LISTENING:  # noqa: PLR2004 - columns
            return words[6]
    return None


def _has_open(pid: int, what: str) -> bool:
    try:
        return any(str(found.readlink()) == what for found in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False


def _children(parent: int) -> Iterator[int]:
    # Not /proc/PID/task/PID/children: kernels may be built without it.
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        try:
            stat = Path(entry.path, "stat").read_bytes()
        except OSError:
            continue
        # "pid (comm) state ppid …", and comm may hold anything
        if int(stat.rpartition(b")")[2].split()[1]) == parent:
            yield int(entry.name)
