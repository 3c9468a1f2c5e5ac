"""Credentials for upstreams: read from files that only their owner can read, never from the spec."""

import base64
import os
import re
import stat
from collections.abc import Mapping
from typing import Final

from passthru.errors import Problem, SpecError
from passthru.spec import Spec

CREDENTIALS: Final = "credentials.conf"
"""The one rendered nginx file that holds secrets."""

_MOST_BYTES: Final = 8192
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750, section 2.1
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def read_credentials(spec: Spec) -> Mapping[str, str]:
    """Return each credentials file of `spec` with the Authorization header that comes of it.

    Raises SpecError, with every fault, for files that cannot be read, that others can read or
    write, or that hold neither `user:password` nor a token; it never repeats what they hold.
    """
    found: dict[str, str] = {}
    problems: list[Problem] = []
    for index, upstream in enumerate(spec.upstreams):
        if upstream.credentials_file is None:
            continue
        try:
            found[upstream.credentials_file] = authorization(_read(upstream.credentials_file))
        except _UnusableError as fault:
            where = f"upstreams[{index}].credentials_file"
            message = f"{upstream.credentials_file} {fault.message}"
            problems.append(Problem(where, message, fault.hint))
    if problems:
        raise SpecError(tuple(problems))
    return found


def authorization(text: str) -> str:
    """Return the header for `user:password` (Basic, RFC 7617) or for a bearer token (RFC 6750)."""
    line = text.removesuffix("\n").removesuffix("\r")
    if not line or _CONTROL.search(line):
        raise _UnusableError(
            "does not hold one line of text", "write user:password, or a token, in one line"
        )
    if ":" in line:
        return f"Basic {base64.b64encode(line.encode()).decode()}"
    token = line.removeprefix("Bearer ")
    if not _TOKEN.fullmatch(token):
        raise _UnusableError(
            "holds neither user:password nor a bearer token",
            "a token has letters, digits and -._~+/ only",
        )
    return f"Bearer {token}"


class _UnusableError(Exception):
    """Why a file is of no use, without what it holds."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def _read(path: str) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as fault:
        raise _UnusableError(
            f"cannot be read: {str(fault.strerror).lower()}", "run as its owner, or as root"
        ) from None
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise _UnusableError("is not a file", "write the credentials into a file")
        if facts.st_mode & (stat.S_IROTH | stat.S_IWOTH | stat.S_IWGRP):
            raise _UnusableError("can be read or changed by others", f"type: chmod 600 {path}")
        data = os.read(descriptor, _MOST_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(data) > _MOST_BYTES:
        raise _UnusableError("is too long", "write user:password, or a token, in one line")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise _UnusableError("is not UTF-8 text", "write user:password, or a token") from None
