"""Paths: of files and directories on this machine, and of pages on this server."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator

from passthru.spec.fault import BadValueError
from passthru.spec.kind import Kind
from passthru.spec.text import Text, shown

LONGEST_NAME: Final = 255
"""NAME_MAX of Linux, in bytes."""

LONGEST_RUNTIME: Final = 96
"""A unix socket's path holds 107 bytes (unix(7)), and `nginx.sock` goes below this."""

SYSTEM: Final = frozenset((
    "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib64", "/mnt", "/nix", "/nix/store",
    "/nix/var", "/opt", "/proc", "/root", "/run", "/sbin", "/srv", "/sys", "/tmp", "/usr",  # noqa: S108
    "/usr/local", "/var", "/var/cache", "/var/lib", "/var/log", "/var/tmp",  # noqa: S108
))  # fmt: skip
"""Directories of the system; passthru owns all that is inside its own."""

RESERVED: Final = frozenset(
    (
        "-",
        "nix-cache-info",
        "nar",
        "log",
        "realisations",
        "build-trace-v2",
        "debuginfo",
        "health",
        "metrics",
    )
)
"""First words of the paths that clients and probes ask for; `-` is for nginx's own."""

_PAGE: Final = re.compile(r"(?:/[A-Za-z0-9_~-]{1,64}){1,8}")


def check_path(path: str) -> str:
    """Return an absolute path without its last slash; raise BadValueError for any other."""
    if not path.startswith("/"):
        raise BadValueError("is not an absolute path", _whole(path))
    if any(character.isspace() for character in path):
        raise BadValueError("may not hold a space", "choose a path without one")
    names = path.rstrip("/").split("/")[1:]
    if not names:
        raise BadValueError("is the root directory", "write a path below it")
    if not all(names) or not {".", ".."}.isdisjoint(names):
        clean = "/" + "/".join(name for name in names if name not in {"", "."})
        straight = ".." not in names
        raise BadValueError(
            'holds "//", "." or ".." as a part',
            f"write {shown(clean)}" if straight else "write the path that it leads to",
        )
    if any(len(name.encode()) > LONGEST_NAME for name in names):
        raise BadValueError(f"holds a name longer than {LONGEST_NAME} bytes")
    return "/" + "/".join(names)


def check_directory(path: str) -> str:
    """Return `path` when passthru may own all that is in it; raise BadValueError."""
    if path in SYSTEM:
        raise BadValueError(
            f"{path} is not ours alone, and files in it would be changed or removed",
            f"write a directory of its own, such as {shown(path.rstrip('/') + '/passthru')}",
        )
    return path


def check_runtime(path: str) -> str:
    """Return `path` when the path of a socket in it is not too long; raise BadValueError."""
    if len(path.encode()) > LONGEST_RUNTIME:
        raise BadValueError(
            f"is longer than {LONGEST_RUNTIME} bytes, too long for the sockets in it",
            "write a shorter path, such as /run/passthru",
        )
    return path


def check_page(path: str) -> str:
    """Return `path` when a page of our own can be there; raise BadValueError."""
    if _PAGE.fullmatch(path) is None:
        raise BadValueError(
            "is not a clean path of letters, digits, -, _ and ~", 'write a path such as "/status"'
        )
    if path.split("/")[1] in RESERVED:
        raise BadValueError(
            "belongs to the paths that nix and probes ask for", 'write a path such as "/status"'
        )
    return path


def _whole(path: str) -> str:
    if path.startswith("~"):
        return "write the whole path, from / on, instead of ~"
    return "write the whole path, from / on"


Path = Annotated[Text, AfterValidator(check_path), Kind("path")]
Directory = Annotated[Path, AfterValidator(check_directory)]
RuntimeDirectory = Annotated[Directory, AfterValidator(check_runtime)]
Page = Annotated[Text, AfterValidator(check_page), Kind("URL path")]
