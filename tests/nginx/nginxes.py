"""Every nginx the tests can have: the installed one, and those of other Debian releases."""

import functools
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.debian import (
    UnavailableError,
    fetch_folder,
    must_have_all,
    release_codename,
    unavailable,
)

SUITES: Final = ("bookworm", "trixie", "sid")
CHOICES: Final = ("installed", "trixie", "sid")


@dataclass(frozen=True, slots=True)
class NginxBinary:
    """One nginx that can be run: an executable, or a wrapper that behaves as one."""

    version: str
    """As nginx prints it, `1.22.1`."""

    path: Path
    """Absolute; `-V`, `-t`, `-s` and a foreground run all work."""

    suite: str
    """`installed`, or the Debian suite it was unpacked from."""

    told: str
    """All that `-V` prints."""


def installed_nginx() -> NginxBinary | None:
    """Return the nginx of this machine ($PASSTHRU_NGINX, PATH, then the usual places) or None."""
    places = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
    found = os.environ.get("PASSTHRU_NGINX") or shutil.which("nginx", path=places)
    return _ask(Path(found), "installed") if found else None


@functools.cache
def nginx_of(suite: str) -> NginxBinary:
    """Return the nginx of a suite, or the `installed` one; raises UnavailableError."""
    if suite == "installed":
        found = installed_nginx()
        if found is None:
            raise UnavailableError("nginx is not installed")
        return found
    folder = fetch_folder("nginx", suite, {"nginx": "usr/sbin/nginx"})
    return _ask(folder.wrapper("nginx"), suite)


@functools.cache
def nginx_binaries() -> tuple[NginxBinary, ...]:
    """Return one nginx a version, the installed one first; fewer where there is no network.

    Raises UnavailableError only where $CI says that everything must be there.
    """
    installed = installed_nginx()
    found = {installed.version: installed} if installed else {}
    for suite in SUITES:
        if installed and suite == release_codename():
            continue
        try:
            nginx = nginx_of(suite)
        except UnavailableError:
            if must_have_all():
                raise
            continue
        found.setdefault(nginx.version, nginx)
    return tuple(found.values())


def require_nginx(choice: str) -> NginxBinary:
    """Return the nginx of one of CHOICES, for a fixture with those params; skip without it."""
    try:
        return nginx_of(choice)
    except UnavailableError as error:
        unavailable(str(error))


def _ask(path: Path, suite: str) -> NginxBinary:
    run = subprocess.run([str(path), "-V"], check=True, capture_output=True, text=True, timeout=10)
    version = re.search(r"nginx version: \S+?/(\S+)", run.stderr)
    if version is None:
        raise UnavailableError(f"{path} does not say its version")
    return NginxBinary(version=version[1], path=path, suite=suite, told=run.stderr)
