"""One check of `passthru doctor`, and how it is shown; pure."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from passthru.cli.finding import Finding

_INDENT: Final = 13
"""Columns before a check's own text."""

_NARROWEST: Final = 30

_COLORS: Final = {"ok": "green", "warn": "yellow", "fail": "red", "skipped": None}


class Verdict(StrEnum):
    """What came of a check; SKIPPED where there is nothing to look at."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    verdict: Verdict
    message: str
    fix: str | None = None
    details: tuple[str, ...] = ()


def ok(name: str, message: str, *details: str) -> Check:
    """Return a check that found nothing wrong."""
    return Check(name, Verdict.OK, message, None, details)


def warn(name: str, message: str, fix: str | None = None, *details: str) -> Check:
    """Return a check that found something that is better mended."""
    return Check(name, Verdict.WARN, message, fix, details)


def fail(name: str, message: str, fix: str | None = None, *details: str) -> Check:
    """Return a check that found something that does not work."""
    return Check(name, Verdict.FAIL, message, fix, details)


def skipped(name: str, why: str) -> Check:
    """Return a check that was not made."""
    return Check(name, Verdict.SKIPPED, why)


def from_findings(name: str, findings: Iterable[Finding], otherwise: str) -> Check:
    """Return the check that what `passthru check` found amounts to; `otherwise` when it is nothing."""
    serious = [finding for finding in findings if finding.severity != "note"]
    serious.sort(key=lambda finding: finding.severity != "error")
    if not serious:
        return ok(name, otherwise)
    first, *rest = serious
    details = [*first.details, *(f"{other.where}: {other.message}" for other in rest)]
    verdict = Verdict.FAIL if first.severity == "error" else Verdict.WARN
    return Check(name, verdict, f"{first.where}: {first.message}", first.hint, tuple(details))


def check_lines(number: int, check: Check, width: int | None = None) -> Iterator[str]:
    """Yield the lines for people, broken at `width`; None breaks none."""
    texts = [f"{check.name}: {check.message}", *(f"  {detail}" for detail in check.details)]
    if check.fix is not None:
        texts.append(f"fix: {check.fix}")
    lines = [line for text in texts for line in _broken(text, width)]
    verdict = click.style(f"{check.verdict:<7}", fg=_COLORS[check.verdict], bold=True)
    yield f"{number:>2}  {verdict}  {lines[0]}"
    yield from (f"{' ' * _INDENT}{line}" for line in lines[1:])


def _broken(text: str, width: int | None) -> list[str]:
    """Break a text into lines that begin alike."""
    if width is None:
        return [text]
    indent = " " * (len(text) - len(text.lstrip()) + 2)
    room = max(_NARROWEST, width - _INDENT)
    return textwrap.wrap(
        text, room, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    ) or [""]


def check_record(number: int, check: Check) -> dict[str, Any]:
    """Return the record for programs."""
    return {
        "number": number,
        "name": check.name,
        "verdict": check.verdict.value,
        "message": check.message,
        "fix": check.fix,
        "details": list(check.details),
    }


def summary(checks: Iterable[Check]) -> str:
    """Return how many there were of each verdict, the worst first."""
    found = [check.verdict for check in checks]
    counts = ((verdict, found.count(verdict)) for verdict in reversed(Verdict))
    worst_first = sorted(counts, key=lambda pair: ("fail", "warn", "ok", "skipped").index(pair[0]))
    return ", ".join(f"{count} {verdict}" for verdict, count in worst_first if count)
