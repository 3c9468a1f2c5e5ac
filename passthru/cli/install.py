"""`passthru install`: let systemd run it, or no longer."""

# ruff: noqa: PLC0415 - heavy imports wait until the command runs: help is to be fast

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from passthru.cli.options import spec_argument
from passthru.cli.output import say
from passthru.errors import SpecError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from passthru.spec import Spec
    from passthru.systemd.host import Host
    from passthru.systemd.layout import Directories
    from passthru.systemd.steps import Step

_PACKAGED_PROGRAM: Final = ("/usr/bin/passthru",)


@click.command
@spec_argument
@click.option("--dry-run", is_flag=True, help="Print what would be done, and do nothing")
@click.option("--uninstall", is_flag=True, help="Take it away, but for the spec and what is stored")
@click.option("--purge", is_flag=True, help="With --uninstall: take these and the user away, too")
@click.option(
    "--root",
    metavar="DIR",
    default=Path("/"),
    type=click.Path(file_okay=False, exists=True, resolve_path=True, path_type=Path),
    help="Install into the system below a directory, which does not run",
)
@click.option(
    "--for-package",
    is_flag=True,
    help="With --root: only write the files, where a distribution's package has them",
)
@click.pass_context
def install(
    context: click.Context,
    spec: Path | None,
    *,
    dry_run: bool,
    uninstall: bool,
    purge: bool,
    root: Path,
    for_package: bool,
) -> None:
    """Let systemd run passthru, from now on and at every boot.

    For Debian, Ubuntu, Fedora and Arch.
    Makes the user passthru, its directories, and a unit each for nginx and what runs beside it.
    The spec is in /etc/passthru/passthru.toml: SPEC is copied there, what stands there is kept,
    and without either a commented one is written.
    Prints a line for each thing done; what is as it should be already is left alone.
    """
    from passthru.systemd.host import check_host, look_at_host

    if purge and not uninstall:
        raise click.UsageError("--purge needs --uninstall", context)
    if for_package and root == Path("/"):
        raise click.UsageError("--for-package needs --root", context)
    if uninstall and (spec or for_package):
        raise click.UsageError("--uninstall takes neither SPEC nor --for-package", context)
    host = look_at_host(root)
    if for_package:
        _do(_packaging(), host, dry_run=dry_run)
        return
    check_host(host, dry_run=dry_run)
    if uninstall:
        _do(_removing(host, purge=purge), host, dry_run=dry_run)
        if not dry_run:
            _tell_what_is_left(host)
        return
    _do(_installing(host, spec), host, dry_run=dry_run)
    if not dry_run:
        _tell_what_is_next(host)


def _installing(host: Host, given: Path | None) -> Iterable[Step]:
    """Return the steps, or raise for what would keep the service from starting."""
    from passthru.cli.ourselves import ourselves
    from passthru.nginx.process import find_nginx, read_capabilities
    from passthru.nginx.templates import template_dir
    from passthru.spec import parse_spec
    from passthru.systemd.host import check_reach
    from passthru.systemd.layout import ADMINISTRATOR, SPEC
    from passthru.systemd.perform import is_done
    from passthru.systemd.sidecar import SIDECARS
    from passthru.systemd.steps import Write, install_steps
    from passthru.systemd.units import render_files

    place = host.place(SPEC)
    text = _spec_text(given, place)
    directories = _directories(parse_spec(text, source=str(given or place)))
    if host.is_booted:
        read_capabilities(find_nginx())
        check_reach((*_what_runs(), *directories.foreign))
    files = render_files(
        ADMINISTRATOR,
        templates=template_dir(),
        program=ourselves(),
        sidecars=SIDECARS,
        directories=directories,
    )
    is_unchanged = all(is_done(Write(path, file), host) for path, file in files.items())
    return install_steps(
        host,
        ADMINISTRATOR,
        files=files,
        spec=text,
        sidecars=SIDECARS,
        directories=directories,
        is_spec_kept=given is None,
        begin="reload-or-restart" if is_unchanged else "restart",
    )


def _packaging() -> Iterable[Step]:
    """Return the steps that write what a package has."""
    from passthru.cli.spec_text import commented_spec
    from passthru.nginx.templates import template_dir
    from passthru.systemd.layout import PACKAGE, SPEC, Directories
    from passthru.systemd.sidecar import SIDECARS
    from passthru.systemd.steps import Write
    from passthru.systemd.units import render_files

    files = render_files(
        PACKAGE,
        templates=template_dir(),
        program=_PACKAGED_PROGRAM,
        sidecars=SIDECARS,
        directories=Directories(),
    )
    return [Write(path, text) for path, text in {**files, SPEC: commented_spec("local")}.items()]


def _removing(host: Host, *, purge: bool) -> Iterable[Step]:
    from passthru.spec import load_spec
    from passthru.systemd.layout import ADMINISTRATOR, SPEC, Directories
    from passthru.systemd.sidecar import SIDECARS
    from passthru.systemd.steps import removal_steps

    place = host.place(SPEC)
    try:
        directories = _directories(load_spec(place if place.exists() else None))
    except SpecError:  # it is to go, whatever the spec says
        directories = Directories()
    return removal_steps(
        host,
        ADMINISTRATOR,
        sidecars=SIDECARS,
        is_purged=purge,
        directories=directories,
    )


def _do(steps: Iterable[Step], host: Host, *, dry_run: bool) -> None:
    """Do the steps that are not done already, and print each; or print them only."""
    from passthru.systemd.perform import is_done, perform
    from passthru.systemd.steps import describe

    for step in steps:
        if is_done(step, host):
            continue
        if not dry_run:
            perform(step, host)
        click.echo(describe(step))


def _spec_text(given: Path | None, place: Path) -> str:
    from passthru.cli.spec_text import commented_spec
    from passthru.spec import read_spec_text

    if given is not None or place.exists():
        return read_spec_text(given or place)
    return commented_spec("local")


def _directories(spec: Spec) -> Directories:
    """Return where an instance of root's would have its things: the units are told the same."""
    from passthru.systemd.layout import Directories

    usual = Directories()
    return Directories(
        cache=spec.cache.directory or usual.cache,
        state=spec.state_directory or usual.state,
        runtime=spec.runtime_directory or usual.runtime,
    )


def _what_runs() -> tuple[str, ...]:
    """Return the files that the units' user must be able to read, to run passthru at all."""
    import sys

    import passthru
    from passthru.cli.ourselves import ourselves

    return (ourselves()[0], str(Path(passthru.__file__).parent), sys.prefix, sys.base_prefix)


def _tell_what_is_next(host: Host) -> None:
    from passthru.systemd.layout import SERVICE, SPEC

    if host.has_selinux:
        say("note: SELinux is on here, and passthru was not tried with it; see `ausearch -m avc`")
    if host.is_booted:
        say("next:")
        say(f"  systemctl status {SERVICE}")
        say(f"  edit {SPEC}, then: passthru check {SPEC} && systemctl reload {SERVICE}")


def _tell_what_is_left(host: Host) -> None:
    from passthru.systemd.layout import SPEC, Directories

    usual = Directories()
    left = [path for path in (SPEC, usual.state, usual.cache) if host.place(path).exists()]
    if left:
        say(f"left: {' '.join(left)}; take them away as well with --uninstall --purge")
