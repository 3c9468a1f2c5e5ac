"""The log read the slow way, line by line, as its documentation tells: what the parser must equal."""

import re
from datetime import datetime
from typing import Final

from passthru.stats.batch import Asked, Batch, LastError, LoggedAnswer, PathCount, Sums
from passthru.stats.durations import BUCKETS, Durations
from passthru.stats.kind import CacheStatus, Kind, Outcome
from passthru.stats.totals import CODES, Totals

LINE: Final = re.compile(
    rb"2\t(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d)\t([^\t\n]*)\t(\d{3})\t([A-Z]*)\t([^\t\n]*)\t"
    rb"(\d{1,12}(?:\.\d{3})?)\t(\d{1,15})(?:\t([^\t\n]*(?:\t[^\t\n]*){7}))?\t([^\t\n]*)"
)
HITS: Final = {"hit", "stale", "updating", "revalidated"}
FAILURES: Final = {Outcome.ERROR, Outcome.TIMEOUT}


def read(lines: bytes, upstreams: set[str], *, paths: bool) -> Batch:
    """Read whole lines, one after the other."""
    batch = Batch()
    for line in lines.split(b"\n")[:-1]:
        batch.totals.lines += 1
        if line.startswith(b"1\t"):
            continue
        try:
            read_line(batch, line, upstreams, paths=paths)
        except ValueError:
            batch.totals.unparsable_lines += 1
            batch.sample = ascii(line[:200])[2:-1]
    batch.answers = batch.answers[-20:]
    return batch


def read_line(batch: Batch, line: bytes, upstreams: set[str], *, paths: bool) -> None:
    """Count one line; raises ValueError before anything is counted."""
    found = LINE.fullmatch(line)
    if found is None:
        raise ValueError
    when, _, code, cache, turn, took, sent, others, path = found.groups()
    at = int(datetime.fromisoformat(when.decode()).timestamp())
    status = CacheStatus(cache.decode().lower() or "none") if cache != b"NONE" else CacheStatus("?")
    if code[:1] >= b"5" and status.value in HITS:
        status = CacheStatus.MISS
    label = re.fullmatch(rb"([^/]*)/(.*)", turn)
    upstream = label[2].decode("ascii") if label else None
    milliseconds = round(float(took) * 1000)
    kind = kind_of(label[1] if label else b"", path)
    contacts = contacts_of(others.split(b"\t"), upstream or "", code) if others else []
    if at < 0:
        raise ValueError
    batch.totals.last_line_at = at
    if not others or int(others.split(b"\t")[1]):
        count_request(
            batch,
            at,
            kind=kind,
            status=status,
            code=int(code),
            milliseconds=milliseconds,
            sent=int(sent),
        )
        if int(code) >= 100 and (upstream is not None or kind is Kind.CACHE_INFO):
            shown = path.decode("ascii", "backslashreplace") if paths else None
            name = upstream if upstream is None or upstream in upstreams else "other"
            batch.answers.append(
                LoggedAnswer(
                    at, kind, int(code), status, name, int(sent), milliseconds / 1000, shown
                )
            )
            if paths and kind in {Kind.NAR, Kind.NARINFO} and code in {b"200", b"206"}:
                assert shown is not None
                count = batch.paths.setdefault(shown, PathCount())
                count.requests += 1
                count.sent_bytes += int(sent)
    for name, outcome, took_it, received, error in contacts:
        count_contact(
            batch,
            at,
            name=name if name in upstreams else "other",
            outcome=outcome,
            milliseconds=took_it,
            received=received,
            error=error,
        )


def kind_of(said: bytes, path: bytes) -> Kind:
    """Return the kind: what the turn says, else what the path is."""
    if said in {b"narinfo", b"nar"}:
        return Kind(said.decode())
    for pattern, kind in (
        (rb"/[0-9a-z]{32}\.narinfo", "narinfo"),
        (rb"/nar/.+", "nar"),
        (rb"/[0-9a-z]{32}\.ls(\.xz)?", "ls"),
        (rb"/log/.+", "log"),
        (rb"/realisations/.+|/build-trace-v2/.+", "realisation"),
        (rb"/nix-cache-info(\?.*)?", "cache_info"),
    ):
        if re.fullmatch(pattern, path):
            return Kind(kind)
    return Kind.OTHER


def contacts_of(
    fields: list[bytes], last: str, code: bytes
) -> list[tuple[str, Outcome | None, int | None, int, str | None]]:
    """Return for each server asked: whose it is, how it did, milliseconds, bytes, what was wrong."""
    _, length, *lists, trail = fields
    if not re.fullmatch(rb"\d{1,15}", length):
        raise ValueError
    refresh = int(length) == 0
    turns = [[part.split(b", ") for part in one.split(b" : ")] for one in lists]
    if len({tuple(len(turn) for turn in one) for one in turns}) != 1:
        raise ValueError
    owners = [last] * len(turns[0])
    ended = trail.split(b"|")[1:]
    cut = next((i for i, one in enumerate(ended) if is_expired(one)), len(ended))
    done = 0
    for one in ended[cut:] if refresh else ended[:cut]:
        label, _, rest = one.partition(b" ")
        answers = rest.partition(b"=")[2]
        until = min(answers.count(b" : ") + 1 if answers else 0, len(owners))
        while done < until:
            owners[done] = label.partition(b"/")[2].decode("ascii", "replace")
            done += 1
    found = []
    for number, owner in enumerate(owners):
        for server in range(len(turns[0][number])):
            status, connect, header, response, received = (one[number][server] for one in turns)
            if status:
                outcome, error = judge(status, connect, header, response, code)
                found.append((owner, outcome, thousandths(response), whole(received), error))
    return found


def is_expired(ended: bytes) -> bool:
    """Tell whether a turn found something that had expired."""
    return ended.partition(b" ")[2].partition(b"=")[0] == b"EXPIRED"


def judge(
    status: bytes, connect: bytes, header: bytes, response: bytes, code: bytes
) -> tuple[Outcome | None, str | None]:
    """Return how a server did, and what was wrong with it."""
    if status not in {b"200", b"206", b"304"}:
        if header == b"-" and status == b"504":
            what = "no connection" if connect == b"-" else "no answer"
            return Outcome.TIMEOUT, f"{what} in {response.decode('ascii', 'replace')} s"
        if status == b"-" or (header == b"-" and status.startswith(b"5")):
            if code == b"499":
                return None, None
            return Outcome.ERROR, "no connection" if connect == b"-" else "broke off"
        if not re.fullmatch(rb"\d{1,15}", status):
            raise ValueError
        if status in {b"403", b"404", b"410"}:
            return Outcome.NOT_FOUND, None
        if not 200 <= int(status) < 400:
            return Outcome.ERROR, f"answered {int(status)}"
    return Outcome.OK, None


def thousandths(text: bytes) -> int | None:
    """Read seconds, as milliseconds."""
    if text == b"-":
        return None
    if not re.fullmatch(rb"\d{0,12}\.\d{3}|\d{1,15}", text):
        raise ValueError
    return round(float(text) * 1000)


def whole(text: bytes) -> int:
    """Read bytes."""
    if text == b"-":
        return 0
    if not re.fullmatch(rb"\d{1,15}", text):
        raise ValueError
    return int(text)


def count_request(
    batch: Batch,
    at: int,
    *,
    kind: Kind,
    status: CacheStatus,
    code: int,
    milliseconds: int,
    sent: int,
) -> None:
    """Count what a client asked for."""
    one = Totals()
    one.requests[kind, status] = 1
    one.sent_bytes[kind, status] = sent
    one.responses[kind, f"{code:03}" if f"{code:03}" in CODES else "other"] = 1
    if status is not CacheStatus.STALE:
        one.durations[kind] = histogram(milliseconds)
    one.last_line_at = at
    batch.totals.add(one)
    batch.minutes.setdefault(at // 60 * 60, Sums()).add(
        Sums(
            requests=1,
            hits=int(status.value in HITS),
            cacheable_requests=int(status is not CacheStatus.NONE),
            errors=int(code >= 500),
            served_bytes=sent,
        )
    )


def count_contact(
    batch: Batch,
    at: int,
    *,
    name: str,
    outcome: Outcome | None,
    milliseconds: int | None,
    received: int,
    error: str | None,
) -> None:
    """Count one server that was asked."""
    minute = at // 60 * 60
    one = Totals(last_line_at=at)
    one.upstream_bytes[name] = received
    batch.minutes.setdefault(minute, Sums()).fetched_bytes += received
    if outcome is not None:
        one.upstream_requests[name, outcome] = 1
        took = Durations() if milliseconds is None else histogram(milliseconds)
        if milliseconds is not None:
            one.upstream_durations[name] = took
        batch.asked_minutes.setdefault((minute, name), Asked()).add(
            Asked(1, int(outcome in FAILURES), took)
        )
        batch.asked_at[name] = at
        if error:
            batch.last_errors[name] = LastError(at, error)
    batch.totals.add(one)


def histogram(milliseconds: int) -> Durations:
    """Return a histogram of one duration."""
    found = Durations(milliseconds=milliseconds)
    index = sum(milliseconds > round(bound * 1000) for bound in BUCKETS)
    found.counts[index] = 1
    return found
