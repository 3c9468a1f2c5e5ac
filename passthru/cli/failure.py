"""How an error looks: to a person on stderr, to a program in JSON."""

import re
from collections.abc import Iterator
from typing import Any, Final

from passthru.errors import NginxError, NotRunningError, PassthruError, SpecError

FORMAT: Final = 1
"""The version of every JSON record that the commands print."""


def failure_lines(error: PassthruError) -> Iterator[tuple[str, str]]:
    """Yield pairs of label ("error", "hint", or "" for quoted lines) and text."""
    if isinstance(error, SpecError):
        for problem in error.problems:
            yield "error", f"{error.source}: {problem}" if error.source else str(problem)
        return
    yield "error", error.message
    if isinstance(error, NginxError):
        for line in error.lines:
            yield "", line
    hint = hint_of(error)
    if hint:
        yield "hint", hint


def failure_record(error: PassthruError) -> dict[str, Any]:
    """Return the JSON record of an error; every field is always there."""
    problems = error.problems if isinstance(error, SpecError) else ()
    return {
        "version": FORMAT,
        "error": {
            "kind": _kind(error),
            "message": error.message,
            "hint": hint_of(error),
            "lines": list(error.lines) if isinstance(error, NginxError) else [],
            "problems": [
                {"where": problem.where, "message": problem.message, "hint": problem.hint}
                for problem in problems
            ],
        },
    }


def hint_of(error: PassthruError) -> str | None:
    """Return what to type next: the error's own hint, or the one that always helps."""
    if error.hint is None and isinstance(error, NotRunningError):
        return "start it with `passthru up`"
    return error.hint


def _kind(error: PassthruError) -> str:
    """Turn `ReloadRejectedError` into `reload-rejected`; what has no name of its own failed."""
    if type(error) is PassthruError:
        return "failed"
    name = type(error).__name__.removesuffix("Error")
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()
