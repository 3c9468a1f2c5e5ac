"""From a file to a Spec, or to all that is wrong with it."""

import errno
import os
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from passthru.errors import Problem, SpecError
from passthru.spec.diagnosis import arrange, diagnose, find_repeats
from passthru.spec.models import Spec
from passthru.spec.notation import Notation
from passthru.spec.syntax import MalformedError, parse_text

LARGEST: Final = 1 << 20
"""Bytes of a spec's file; the largest that makes sense has some ten thousand."""

_REASONS: Final = {
    errno.ENOENT: ("there is no such file", "passthru init writes one"),
    errno.ENOTDIR: ("there is no such file", "a part of its path is not a directory"),
    errno.EISDIR: ("is a directory", "name the file in it"),
    errno.EACCES: ("may not be read by this user", "chmod a+r, or run as another user"),
    errno.EPERM: ("may not be read by this user", "chmod a+r, or run as another user"),
    errno.ELOOP: ("is a symbolic link to itself", "name the file that is meant"),
    errno.ENAMETOOLONG: ("has a name too long for a file", "name the file that is meant"),
}


def load_spec(path: Path | None) -> Spec:
    """Return the spec in a file, TOML or JSON, or without a path the empty one; raise SpecError."""
    return Spec() if path is None else parse_spec(read_spec_text(path), source=str(path))


def read_spec_text(path: Path) -> str:
    """Return the text of a spec's file; raise SpecError for one that cannot be a spec."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        reason = os.strerror(error.errno).lower() if error.errno else "cannot be read"
        raise _refuse(path, *_REASONS.get(error.errno or 0, (reason, None))) from None
    except ValueError:  # a NUL in the path
        raise _refuse(path, "is not the name of a file", None) from None
    if len(content) > LARGEST:
        raise _refuse(path, "is larger than 1 MiB, and not a spec", "name the file that is meant")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _refuse(path, f"is not UTF-8 in line {line}", "save it as UTF-8") from None


def parse_spec(text: str, *, source: str | None = None) -> Spec:
    """Return the spec that a text says; raise SpecError with every problem of it.

    It is JSON when `source` ends in .json or the text begins with a brace, and TOML otherwise.
    """
    is_json = (source or "").endswith(".json") or text.lstrip()[:1] == "{"
    notation = Notation.JSON if is_json else Notation.TOML
    try:
        parsed = parse_text(text, notation)
    except MalformedError as error:
        raise SpecError((error.problem,), source=source) from None
    findings = find_repeats(parsed.repeats)
    try:
        spec = Spec.model_validate(parsed.data)
    except ValidationError as error:
        findings += diagnose(error, parsed.data, notation)
    if findings:
        raise SpecError(arrange(findings, parsed.data), source=source)
    return spec


def _refuse(path: Path, message: str, hint: str | None) -> SpecError:
    return SpecError((Problem("", message, hint),), source=str(path))
