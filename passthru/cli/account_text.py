"""What `passthru explain` prints of an account: lines for people, a record for programs; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from passthru.cli.output import command_line, size
from passthru.cli.standing import Entry, Soundness, Standing, State
from passthru.stats.words import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from passthru.cli.account import Account, Part
    from passthru.stats.batch import LoggedAnswer

_COLORS = {State.FRESH: "green", State.STALE: "yellow", State.SPOILT: "red", State.ABSENT: None}

_VERDICTS = {
    Soundness.COMPLETE: "complete: as large as its narinfo says",
    Soundness.VERIFIED: "right: its hash is the one in its narinfo",
    Soundness.WRONG_SIZE: "WRONG: not as large as its narinfo says",
    Soundness.WRONG_HASH: "WRONG: its hash is not the one in its narinfo",
    Soundness.UNKNOWN: "its narinfo tells nothing to compare it with",
}


def account_lines(account: Account, spec: Path | None = None) -> Iterator[str]:
    """Yield the lines for people; `spec` is the one that they named."""
    if account.info is not None:
        yield click.style(account.info.store_path.absolute(account.info.store_dir), bold=True)
    for part in account.parts:
        yield from _part_lines(part, account)
    if account.info_fault is not None:
        yield click.style(f"the stored narinfo is none: {account.info_fault}", fg="red")
    if account.nar_elsewhere is not None:
        yield f"clients fetch its NAR past this cache, from {account.nar_elsewhere}"
    if account.is_wrong:
        target = account.parts[0].standing.target.removeprefix("/")
        taking = ("--spec", str(spec)) if spec else ()
        yield f"to have it fetched anew: {command_line('passthru', 'purge', *taking, target)}"


def _part_lines(part: Part, account: Account) -> Iterator[str]:
    standing = part.standing
    yield click.style(standing.target, bold=True)
    width = max(len(entry.upstream) for entry in standing.entries)
    for entry in standing.entries:
        state = click.style(f"{entry.state:<6}", fg=_COLORS[entry.state])
        yield f"  {entry.upstream:<{width}}  {state}  {_entry_words(entry, account)}"
        indent = " " * (width + 12)
        if entry.upstream in part.soundness:
            verdict = part.soundness[entry.upstream]
            color = "red" if verdict.startswith("wrong") else None
            yield indent + click.style(_VERDICTS[verdict], fg=color)
        for count in entry.downloading:
            yield f"{indent}a download is in flight: {size(count)} so far"
        if entry.stored is not None:
            yield f"{indent}{entry.stored.path}"
    for path in part.copies:
        yield f"  hot:  {path}"
    if part.copies:
        yield "  next: HIT from that copy, which lives ten minutes at the most"
    else:
        yield f"  next: {_next_words(standing)}"
    for answer in part.last_answers:
        yield f"  last: {_answer_words(answer, account.now)}"


def _entry_words(entry: Entry, account: Account) -> str:
    if entry.fault is not None:
        return f"nginx takes it for a miss: {entry.fault}"
    if entry.stored is None:
        return "nothing is stored"
    head, stored = entry.stored.head, entry.stored
    left = head.valid_until - account.now
    until = f"for {format_duration(left)}" if left >= 0 else f"since {format_duration(-left)}"
    words = f"{until}; {head.status or 'no status'}, {size(stored.body_size)}"
    words += f", stored {format_duration(account.now - head.stored_at)} ago"
    if stored.is_cut:
        words += f", CUT: {head.content_length} bytes were announced, {stored.body_size} are there"
    return words


def _next_words(standing: Standing) -> str:
    """Say what becomes of the next request, as far as files tell."""
    entry, asked = standing.answering, standing.asked
    if entry is None:
        return f"MISS: asks {_then(asked)}, but for those whose 404 nginx remembers"
    served = (
        f"HIT from {entry.upstream}"
        if entry.state is State.FRESH
        else f"STALE from {entry.upstream}, which is asked again beside it"
    )
    if asked:
        return f"{served}, once {_then(asked)} said no, or is remembered to have"
    return served


def _then(names: tuple[str, ...]) -> str:
    return ", then ".join(names)


def _answer_words(answer: LoggedAnswer, now: float) -> str:
    ago = format_duration(max(0.0, now - answer.at))
    source = f" from {answer.upstream}" if answer.upstream else ""
    return f"{ago} ago: {answer.status} {answer.cache_status.upper()}{source}"


def account_record(account: Account) -> dict[str, Any]:
    """Return the record for programs; every field is always there."""
    info = account.info
    return {
        "storePath": info.store_path.absolute(info.store_dir) if info else None,
        "narinfoFault": account.info_fault,
        "narElsewhere": account.nar_elsewhere,
        "ok": not account.is_wrong,
        "paths": [_part_record(part) for part in account.parts],
    }


def _part_record(part: Part) -> dict[str, Any]:
    standing = part.standing
    entry = standing.answering
    return {
        "path": standing.target,
        "zone": standing.area.value,
        "servedFrom": entry.upstream if entry else None,
        "askedFirst": list(standing.asked),
        "copies": list(part.copies),
        "entries": [_entry_record(e, part.soundness.get(e.upstream)) for e in standing.entries],
        "lastAnswers": [_answer_record(answer) for answer in part.last_answers],
    }


def _entry_record(entry: Entry, soundness: Soundness | None) -> dict[str, Any]:
    stored = entry.stored
    return {
        "upstream": entry.upstream,
        "key": entry.key,
        "state": entry.state.value,
        "fault": entry.fault,
        "file": stored.path if stored else None,
        "status": stored.head.status if stored else None,
        "sizeBytes": stored.body_size if stored else None,
        "contentLength": stored.head.content_length if stored else None,
        "storedAt": stored.head.stored_at if stored else None,
        "validUntil": stored.head.valid_until if stored else None,
        "nar": soundness.value if soundness else None,
        "downloadingBytes": list(entry.downloading),
    }


def _answer_record(answer: LoggedAnswer) -> dict[str, Any]:
    return {
        "at": answer.at,
        "status": answer.status,
        "cacheStatus": answer.cache_status.value,
        "upstream": answer.upstream,
        "sentBytes": answer.sent_bytes,
        "seconds": answer.seconds,
    }
