"""Doing the steps, on this machine or in a tree of files."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final, assert_never

from passthru.errors import PassthruError
from passthru.systemd.host import Host
from passthru.systemd.layout import SERVICE
from passthru.systemd.steps import Remove, Run, Step, Write

_SECONDS: Final = 180
_LAST_LINES: Final = 8


def is_done(step: Step, host: Host) -> bool:
    """Say whether there is nothing left to do; of a program, nobody knows before it has run."""
    match step:
        case Write(path=path, text=text, is_kept=is_kept):
            place = host.place(path)
            return place.exists() and (is_kept or place.read_text(encoding="utf-8") == text)
        case Remove(path=path):
            return not os.path.lexists(host.place(path))
        case Run():
            return False
    assert_never(step)


def perform(step: Step, host: Host) -> None:
    """Do one step; raises PassthruError and OSError."""
    match step:
        case Write(path=path, text=text):
            _write(host.place(path), text)
        case Remove(path=path):
            _remove(host.place(path))
        case Run(argv=argv, may_fail=may_fail):
            _run(argv, may_fail=may_fail)
        case _:
            assert_never(step)


def _write(path: Path, text: str) -> None:
    """Put a whole file in its place; who reads meanwhile sees the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            os.fchmod(handle, 0o644)
            file.write(text)
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _run(argv: tuple[str, ...], *, may_fail: bool) -> None:
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        if may_fail:
            return
        raise PassthruError(
            f"{argv[0]} is not here", hint="install systemd's own programs, then try again"
        ) from None
    except subprocess.TimeoutExpired:
        raise PassthruError(f"`{' '.join(argv)}` did not end within {_SECONDS} s") from None
    if done.returncode and not may_fail:
        said = _journal() if argv[0] == "systemctl" and argv[-1] == SERVICE else done.stdout
        last = "\n  ".join(said.strip().splitlines()[-_LAST_LINES:])
        raise PassthruError(f"`{' '.join(argv)}` failed: {last or 'it said nothing'}")


def _journal() -> str:
    """Return the last that the service said: systemctl itself tells only where to look."""
    asked = subprocess.run(
        ["journalctl", "--no-pager", "--output=cat", f"--unit={SERVICE}", f"--lines={_LAST_LINES}"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_SECONDS,
        check=False,
    )
    return asked.stdout
