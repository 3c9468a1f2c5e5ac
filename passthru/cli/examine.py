"""Look for what would keep a spec from working on this machine; leaves nothing behind."""

# ruff: noqa: PLC0415 - heavy imports wait until the command runs: help is to be fast

from __future__ import annotations

import os
import re
import shutil
import socket
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from passthru.cli.files import write_files
from passthru.cli.finding import (
    Finding,
    Severity,
    closed_finding,
    directory_finding,
    doubtful,
    failure_finding,
    file_finding,
    listen_finding,
    nginx_finding,
    size_finding,
    unknown_names,
)
from passthru.cli.instance import survey
from passthru.errors import ListenError, NginxError, NotRunningError, RenderError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from passthru.nginx.listening import Listen
    from passthru.nginx.machine import Machine
    from passthru.nginx.plan import Plan
    from passthru.nginx.site import Site
    from passthru.spec import Spec

_LISTEN: Final = re.compile(r"^ *listen ([^;\s]+:\d+)", re.MULTILINE)


def examine(spec: Spec) -> Iterator[Finding]:
    """Yield all findings about a valid spec."""
    from passthru.nginx.process import find_nginx, read_capabilities
    from passthru.spec import find_remarks

    yield from doubtful(find_remarks(spec))
    try:
        binary = find_nginx()
        capabilities = read_capabilities(binary)
    except NginxError as error:
        yield failure_finding("nginx-unusable", "nginx", error)
        return
    yield nginx_finding(binary, capabilities)
    machine = survey(spec, capabilities)
    try:
        from passthru.nginx.plan import make_plan
        from passthru.nginx.render import render

        plan = make_plan(spec, capabilities, machine)
        render(plan)  # the trial below has other directories, which may be easier to write down
        yield from unknown_names(plan)
        yield from _certificate(plan)
        yield from _directories(spec, plan.site, machine.user)
        refused = list(_listening(plan))
        yield from refused
        yield from _try_nginx(spec, machine, plan, binary, bind_is_known=bool(refused))
    except RenderError as error:
        yield failure_finding("unsupported", "spec", error)


def _try_nginx(
    spec: Spec, machine: Machine, plan: Plan, binary: str, *, bind_is_known: bool
) -> Iterator[Finding]:
    """Let `nginx -t` judge the rendering, with all directories in a temporary one."""
    from passthru.nginx.directories import prepare_directories
    from passthru.nginx.plan import make_plan
    from passthru.nginx.process import check_configuration
    from passthru.nginx.render import render
    from passthru.nginx.site import Site

    folder = Path(tempfile.mkdtemp(prefix="passthru-check-"))
    try:
        folder.chmod(0o755)  # nginx's workers are another user
        site = Site(*(str(folder / name) for name in ("state", "run", "cache")))
        prepare_directories(site)
        home = folder / "conf"
        trial = make_plan(spec, plan.capabilities, machine, site=site, home=str(home))
        write_files(render(trial).files, home)
        check_configuration(binary, home / "nginx.conf", prefix=site.state)
    except ListenError as error:
        if not bind_is_known:
            yield failure_finding("address-unusable", "listen", error)
    except NginxError as error:
        yield failure_finding("nginx-refuses", "nginx.conf", error)
    except RenderError as error:  # not the spec's fault: its own directories were rendered before
        yield Finding(
            "untested",
            Severity.WARNING,
            "TMPDIR",
            f"nginx was not asked: {error.message}",
            "set TMPDIR to another directory, such as /tmp",
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _certificate(plan: Plan) -> Iterator[Finding]:
    """Look at our own certificate; one that cannot be read is nginx's to tell of."""
    from passthru.cli.certificate import certificate_findings, read_certificate

    certificate = read_certificate(plan.certificate) if plan.certificate else None
    if certificate is not None:
        yield from certificate_findings(certificate, plan.server_name, now=time.time())


def _directories(spec: Spec, site: Site, user: str | None) -> Iterator[Finding]:
    """Look at what is there of the directories; `user` is the workers', if not ours."""
    from passthru.nginx.directories import closed_to

    for kind, path in (
        ("state_directory", site.state),
        ("runtime_directory", site.runtime),
        ("cache.directory", site.cache),
    ):
        owner = _nearest_existing(Path(path))
        if not owner.is_dir():
            yield file_finding(kind, path, str(owner))
            continue
        if not os.access(owner, os.W_OK | os.X_OK):
            yield directory_finding(kind, path, str(owner))
        closed = closed_to(str(owner), user) if user else None
        if user and closed:
            yield closed_finding(kind, user, closed)
    volume = os.statvfs(_nearest_existing(Path(site.cache)))
    finding = size_finding(spec.cache.size, volume.f_blocks * volume.f_frsize, site.cache)
    if finding:
        yield finding


def _nearest_existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path


def _listening(plan: Plan) -> Iterator[Finding]:
    """Try each address as nginx would, for an instant."""
    held = _held(plan.site)
    for listen in (*plan.listens, *plan.redirects):
        try:
            _bind(listen)
        except OSError as error:
            finding = listen_finding(listen.address, listen.port, error, held=held)
            if finding:
                yield finding


def _bind(listen: Listen) -> None:
    host = listen.address.rpartition(":")[0].strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As nginx does; without it the last instance's closing connections are in the way.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family is socket.AF_INET6:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        probe.bind(("" if host == "*" else host, listen.port))
        probe.listen(1)


def _held(site: Site) -> frozenset[str]:
    """Return the addresses that the instance of this spec listens on; none when it does not run."""
    from passthru.nginx.health import ask_health

    try:
        ask_health(site)
        text = Path(site.live, "nginx.conf").read_text(encoding="utf-8")
    except (NotRunningError, NginxError, OSError):
        return frozenset()
    return frozenset(_LISTEN.findall(text))
