"""From what pydantic found to problems: where, what is wrong, what to write."""

import sys
from collections.abc import Iterable
from typing import Any, Final

from pydantic import ValidationError

from passthru.errors import Problem
from passthru.spec.conflict import ConflictError
from passthru.spec.explanation import Finding, explain
from passthru.spec.models import Spec
from passthru.spec.notation import Location, Notation, write_where
from passthru.spec.remainder import without

MOST: Final = 100
"""Problems told apart; a file with more of them is not a spec."""


def diagnose(error: ValidationError, data: object, notation: Notation) -> list[Finding]:
    """Return all that pydantic found in `data`, and the conflicts among what it found right."""
    findings: list[Finding] = []
    for details in error.errors(include_url=False):
        fault = details.get("ctx", {}).get("error")
        if isinstance(fault, ConflictError):
            return [Finding(c.at, c.message, c.hint) for c in fault.conflicts]
        if len(findings) < MOST:
            findings.append(explain(details, fault, notation))
        else:
            findings.append(Finding(details["loc"], "is not right", None))
    if isinstance(data, dict) and len(findings) <= MOST:
        findings += _find_conflicts_despite(findings, data)
    return findings


def find_repeats(places: Iterable[Location]) -> list[Finding]:
    """Return a finding for each key that stands twice in one object of JSON."""
    return [Finding(at, "is written twice", "keep one of the two") for at in places]


def arrange(findings: Iterable[Finding], data: object) -> tuple[Problem, ...]:
    """Return the problems in the order in which the data was written."""
    indexes: dict[int, dict[str, int]] = {}
    ordered = sorted(findings, key=lambda finding: _rank(data, finding.at, indexes))
    problems = [Problem(write_where(f.at), f.message, f.hint) for f in ordered[:MOST]]
    if len(ordered) > MOST:
        problems.append(Problem("", f"and {len(ordered) - MOST} more problems"))
    return tuple(problems)


def _rank(data: object, at: Location, indexes: dict[int, dict[str, int]]) -> tuple[int, ...]:
    """Return what sorts places as they were written; what is missing comes last in its table.

    `indexes` remembers the order of the keys of each table.
    """
    rank = []
    for step in at:
        if isinstance(data, dict) and isinstance(step, str) and step in data:
            if id(data) not in indexes:
                indexes[id(data)] = {key: index for index, key in enumerate(data)}
            rank.append(indexes[id(data)][step])
            data = data[step]
        elif isinstance(data, list) and isinstance(step, int):
            rank.append(step)
            data = data[step]
        else:
            rank.append(sys.maxsize)
            break
    return tuple(rank)


def _find_conflicts_despite(findings: list[Finding], data: dict[str, Any]) -> list[Finding]:
    """Return the conflicts among the values that are right alone.

    The others are replaced by what conflicts with nothing, and a conflict that has to do with
    one of them is not told.
    """
    bad = [finding.at for finding in findings]
    try:
        Spec.model_validate(without(data, bad))
    except ValidationError as error:
        faults = (details.get("ctx", {}).get("error") for details in error.errors())
        conflicts = [
            c for fault in faults if isinstance(fault, ConflictError) for c in fault.conflicts
        ]
    else:
        return []
    return [
        Finding(conflict.at, conflict.message, conflict.hint)
        for conflict in conflicts
        if not any(_covers(at, conflict.at) for at in bad)
        and not any(_covers(at, b) or _covers(b, at) for at in bad for b in conflict.because)
    ]


def _covers(outer: Location, inner: Location) -> bool:
    return inner[: len(outer)] == outer
