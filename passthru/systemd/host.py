"""The machine that is installed on, as facts; reads, never writes."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from passthru.errors import PassthruError

KNOWN: Final = ("debian", "ubuntu", "fedora", "arch")
"""The distributions that this was made for; others that say they are like one pass as well."""

_HIDDEN: Final = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")  # noqa: S108 - not written to
"""What ProtectHome= and PrivateTmp= keep from a unit."""


@dataclass(frozen=True, slots=True)
class Host:
    """What has to be known of a machine, or of a directory that will be one."""

    root: Path
    distribution: str
    """Its ID in os-release(5), empty when it does not tell."""

    like: tuple[str, ...]
    """What it says it resembles (ID_LIKE)."""

    is_booted: bool
    """Whether systemd runs, and it is this machine: there are services to start."""

    is_ours: bool
    """Whether we may change it."""

    has_selinux: bool

    @property
    def is_known(self) -> bool:
        """Whether passthru was made for it."""
        return not set(KNOWN).isdisjoint((self.distribution, *self.like))

    def place(self, path: str) -> Path:
        """Return where a path of the installation is for us."""
        return self.root / path.lstrip("/")


def look_at_host(root: Path) -> Host:
    """Return the facts of this machine, or of the tree below `root`."""
    facts = _os_release(root)
    here = root == Path("/")
    return Host(
        root=root,
        distribution=facts.get("ID", ""),
        like=tuple(facts.get("ID_LIKE", "").split()),
        is_booted=here and Path("/run/systemd/system").is_dir(),
        is_ours=os.geteuid() == 0 or (not here and os.access(root, os.W_OK)),
        has_selinux=here and Path("/sys/fs/selinux/enforce").exists(),
    )


def check_host(host: Host, *, dry_run: bool) -> None:
    """Raise PassthruError where nothing can be installed."""
    if host.distribution == "nixos":
        raise PassthruError(
            "NixOS takes its services from its own configuration",
            hint="use the module: see nixos/README.md",
        )
    if not host.is_known:
        what = f"{host.distribution!r}" if host.distribution else "a system without /etc/os-release"
        raise PassthruError(
            f"do not know {what}: this installs on {', '.join(KNOWN)} and their like",
            hint="write the units below a directory with `passthru install --root DIR`,"
            " or run `passthru up` from what starts services here",
        )
    if host.root == Path("/") and not host.is_booted:
        raise PassthruError(
            "systemd does not run here, so there is nothing to install into",
            hint="run `passthru up` from what starts services here",
        )
    if not host.is_ours and not dry_run:
        raise PassthruError(
            f"may not write to {host.root}",
            hint="run it as root: sudo passthru install; or see what it would do: --dry-run",
        )


def check_reach(paths: tuple[str, ...]) -> None:
    """Raise PassthruError if the units' user cannot come to what they run or write."""
    for path in paths:
        hidden = next((place for place in _HIDDEN if Path(path).is_relative_to(place)), None)
        if hidden:
            raise PassthruError(
                f"the units do not see {path}: {hidden} is hidden from them",
                hint="move it to /opt or /srv, say, and call it from there",
            )
        for directory in (*reversed(Path(path).parents), Path(path)):
            if directory.is_dir() and not directory.stat().st_mode & 0o001:
                raise PassthruError(
                    f"the units cannot come to {path}: {directory} is closed to others",
                    hint=f"chmod o+x {directory}, or move it to /opt or /srv, say",
                )


def _os_release(root: Path) -> dict[str, str]:
    """Return what os-release(5) says, the administrator's file before the vendor's."""
    for name in ("etc/os-release", "usr/lib/os-release"):
        try:
            text = (root / name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line)
        return {name: value.strip().strip("\"'") for name, value in pairs}
    return {}
