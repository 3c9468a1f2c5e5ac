"""The text of every file that an installation consists of; pure."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from passthru.systemd.layout import LOGS, SERVICE, SPEC, USER, Directories, Layout
from passthru.systemd.sidecar import Reach, Sidecar


def service_name(sidecar: Sidecar) -> str:
    """Return the name of a sidecar's unit."""
    return f"passthru-{sidecar.name}.service"


def unit_names(sidecars: Sequence[Sidecar]) -> tuple[str, ...]:
    """Return the names of all units, nginx's first."""
    return (SERVICE, *map(service_name, sidecars))


def render_files(
    layout: Layout,
    *,
    templates: Path,
    program: Sequence[str],
    sidecars: Sequence[Sidecar],
    directories: Directories,
) -> Mapping[str, str]:
    """Return each file's absolute path and its text.

    `program` is how passthru is called: its path, and words before the command.
    """
    environment = Environment(  # noqa: S701 - no HTML is made here
        loader=FileSystemLoader(templates / "systemd"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(word=word, words=command_words)
    common = {
        "user": USER,
        "program": tuple(program),
        "spec": SPEC,
        "directories": directories,
        "foreign": tuple(map(word, directories.foreign)),
        "logs": LOGS,
        "Reach": Reach,
    }

    def text(template: str, **more: object) -> str:
        return environment.get_template(template).render(**common, **more)

    files = {
        layout.directories_file: text("tmpfiles.conf.j2"),
        layout.unit(SERVICE): text("passthru.service.j2"),
    }
    if layout.users_file:
        files[layout.users_file] = text("sysusers.conf.j2", entry=user_entry(directories))
    for sidecar in sidecars:
        words = tuple(
            part.format(state=directories.state, runtime=directories.runtime)
            for part in sidecar.words
        )
        files[layout.unit(service_name(sidecar))] = text(
            "sidecar.service.j2", sidecar=sidecar, words=words
        )
    return files


def user_entry(directories: Directories) -> str:
    """Return the line that describes our user (sysusers.d(5))."""
    return f'u {USER} - "Pull-through cache for Nix" {word(directories.state)}'


def word(text: str) -> str:
    """Write one word of a setting so that systemd reads it back (systemd.syntax(7))."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return escaped if escaped == text and not set(text) & set(" \t';") and text else f'"{escaped}"'


def command_words(words: Sequence[str]) -> str:
    """Write a command line for ExecStart=, in which `$` is special as well (systemd.service(5))."""
    return " ".join(word(part).replace("$", "$$") for part in words)
