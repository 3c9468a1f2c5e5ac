"""Renderings on disk: one immutable folder a generation, and the links that name one of them."""

import os
import re
import shutil
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Final

from passthru.errors import RenderError
from passthru.nginx.facts import FACTS
from passthru.nginx.rendering import Rendering
from passthru.nginx.site import Site

KEEP: Final = 5
"""Generations kept, besides those that are live or good."""

_NAME: Final = re.compile(r"[0-9a-f]{4,64}")
_SERVER_LINE: Final = re.compile(r"^ *server [^{]*;.*\n", re.MULTILINE)


def folder_of(site: Site, generation: str) -> Path:
    """Return the folder of a generation, whether or not it exists."""
    return Path(site.generations, generation)


def write_generation(rendering: Rendering, site: Site) -> Path:
    """Write `rendering` to its folder, all of it or nothing, and return the folder.

    Only for the holder of the transaction lock: leftovers of a killed writer are removed.
    Raises OSError, and then nothing has changed; RenderError for a name that leaves the folder.
    """
    _check_names(rendering)
    _remove_leftovers(site)
    folder = folder_of(site, rendering.generation)
    if read_generation(site, rendering.generation) == rendering:  # a power cut may empty files
        os.utime(folder)
        return folder
    beside = folder.with_name(f".{rendering.generation}.new")
    try:
        _write_files(beside, rendering)
        if folder.exists():  # damaged: a folder that was written here is never half there
            folder.rename(folder.with_name(f".{rendering.generation}.old"))
        beside.rename(folder)
    except OSError:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    _sync_directory(folder.parent)
    return folder


def read_generation(site: Site, generation: str) -> Rendering | None:
    """Return a generation as it is on disk; None if it cannot be read."""
    folder = folder_of(site, generation)
    try:
        files = {
            str(path.relative_to(folder)): path.read_text(encoding="utf-8")
            for path in folder.rglob("*")
            if not path.is_dir()
        }
    except (OSError, ValueError):
        return None
    return Rendering(generation, files)


def is_alike(one: Rendering, other: Rendering) -> bool:
    """Say whether two renderings differ at most in the addresses of their upstreams."""
    return _without_addresses(one) == _without_addresses(other)


def point(link: str, generation: str) -> None:
    """Make the symbolic link `link` name `generation`, atomically and durably; raises OSError."""
    parent, name = os.path.split(link)
    beside = Path(parent, f".{name}.new")
    beside.unlink(missing_ok=True)
    beside.symlink_to(f"generations/{generation}")
    beside.replace(link)
    _sync_directory(Path(parent))


def unpoint(link: str) -> None:
    """Remove the symbolic link `link`, if it is there."""
    Path(link).unlink(missing_ok=True)


def named_by(link: str) -> str | None:
    """Return the generation that the symbolic link `link` names, if its folder exists."""
    try:
        target = Path(link).readlink()
    except OSError:
        return None
    return target.name if Path(link).is_dir() else None


def prune(site: Site) -> None:
    """Remove all but the newest generations; never one that a link names."""
    named = {named_by(site.live), named_by(site.good)}
    folders = [entry for entry in Path(site.generations).iterdir() if _NAME.fullmatch(entry.name)]
    folders.sort(key=lambda entry: entry.stat().st_mtime_ns, reverse=True)
    for folder in folders[KEEP:]:
        if folder.name not in named:
            doomed = folder.with_name(f".{folder.name}.old")
            folder.rename(doomed)
            shutil.rmtree(doomed, ignore_errors=True)


def _check_names(rendering: Rendering) -> None:
    if not _NAME.fullmatch(rendering.generation):
        raise RenderError(f"{rendering.generation!r} cannot name a generation")
    for name in rendering.files:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or str(path) != name:
            raise RenderError(f"{name!r} cannot name a file of a generation")


def _without_addresses(rendering: Rendering) -> dict[str, str]:
    return {
        name: _SERVER_LINE.sub("", text.replace(rendering.generation, ""))
        for name, text in rendering.files.items()
    }


def _remove_leftovers(site: Site) -> None:
    for entry in Path(site.generations).glob(".*"):
        shutil.rmtree(entry, ignore_errors=True)


def _write_files(folder: Path, rendering: Rendering) -> None:
    _make_directory(folder)
    made = {folder}
    for name, text in rendering.files.items():
        path = folder / name
        for parent in reversed(path.relative_to(folder).parents[:-1]):
            if folder / parent not in made:
                _make_directory(folder / parent)
                made.add(folder / parent)
        _write_file(path, text, mode=_mode_of(name))
    for directory in made:
        _sync_directory(directory)


def _mode_of(name: str) -> int:
    """Pages are read by the workers, and facts by the exporter, which may be another user.

    The rest is read by the master alone, and may come to hold secrets.

    Not 0640: where all users have one group (NixOS: "users"), that would be everybody.
    """
    return 0o644 if name == FACTS or name.startswith("pages/") else 0o600


def _make_directory(path: Path) -> None:
    path.mkdir()
    path.chmod(0o755)  # whatever the umask


def _write_file(path: Path, text: str, *, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, mode)
        file.write(text.encode())
        file.flush()
        os.fsync(descriptor)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):  # some file systems (9p, FUSE) have no fsync for directories
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
