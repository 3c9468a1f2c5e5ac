"""What installing and removing come to, as a list of steps; pure."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from passthru.systemd.host import Host
from passthru.systemd.layout import LOGS, SERVICE, SPEC, USER, Directories, Layout
from passthru.systemd.sidecar import Sidecar
from passthru.systemd.units import unit_names, user_entry


@dataclass(frozen=True, slots=True)
class Write:
    """Let a file have this text; what stands there already is kept if `is_kept`."""

    path: str
    text: str
    is_kept: bool = False


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove a file, link or whole directory, if it is there."""

    path: str


@dataclass(frozen=True, slots=True)
class Run:
    """Run a program; `may_fail` where there may be nothing for it to do."""

    argv: tuple[str, ...]
    may_fail: bool = False


Step = Write | Remove | Run


def install_steps(
    host: Host,
    layout: Layout,
    *,
    files: Mapping[str, str],
    spec: str,
    sidecars: Sequence[Sidecar],
    directories: Directories,
    is_spec_kept: bool,
    begin: str,
) -> Iterator[Step]:
    """Yield what makes passthru a service of `host`; each step may be done again.

    `begin` is the systemctl command that lets it serve: "restart", or "reload-or-restart".
    """
    for path, text in files.items():
        yield Write(path, text)
    yield Write(SPEC, spec, is_kept=is_spec_kept)
    yield Run(("systemd-sysusers", *_elsewhere(host), "--inline", user_entry(directories)))
    # By its name: below another root, a path would be looked for here.
    name = Path(layout.directories_file).name
    yield Run(("systemd-tmpfiles", *_elsewhere(host), "--create", name))
    yield from _refreshing(host)
    yield Run(("systemctl", *_elsewhere(host), "enable", *unit_names(sidecars)))
    if host.is_booted:
        yield Run(("systemctl", begin, SERVICE))


def removal_steps(
    host: Host,
    layout: Layout,
    *,
    sidecars: Sequence[Sidecar],
    is_purged: bool,
    directories: Directories,
) -> Iterator[Step]:
    """Yield what takes passthru away again; its spec, history and cache only if `is_purged`."""
    units = unit_names(sidecars)
    if host.is_booted:
        yield Run(("systemctl", "disable", "--now", *units), may_fail=True)
    for name in units:
        yield Remove(layout.unit(name))
        yield Remove(layout.unit(f"{name}.wants"))
        yield Remove(layout.unit(f"multi-user.target.wants/{name}"))
    yield from _refreshing(host)
    if host.is_booted:
        yield Run(("systemctl", "reset-failed", *units), may_fail=True)
    yield Remove(layout.directories_file)
    yield Remove(directories.runtime)
    yield Remove(LOGS)
    if is_purged:
        usual = Directories()
        yield Remove(str(Path(SPEC).parent))
        yield Remove(usual.state)
        yield Remove(usual.cache)
        yield Run(("userdel", *_chrooted(host), USER), may_fail=True)
        yield Run(("groupdel", *_chrooted(host), USER), may_fail=True)


def describe(step: Step) -> str:
    """Say a step in a line."""
    match step:
        case Write(path=path):
            return f"write {path}"
        case Remove(path=path):
            return f"remove {path}"
        case Run(argv=argv):
            return f"run {shlex.join(argv)}"


def _refreshing(host: Host) -> Iterator[Step]:
    if host.is_booted:
        yield Run(("systemctl", "daemon-reload"))


def _elsewhere(host: Host) -> tuple[str, ...]:
    return () if host.root == Path("/") else (f"--root={host.root}",)


def _chrooted(host: Host) -> tuple[str, ...]:
    return () if host.root == Path("/") else ("--root", str(host.root))
