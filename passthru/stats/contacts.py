"""Which upstreams a request asked, and how each did: the fields that nginx writes as lists."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from passthru.stats.figure import read_count, read_milliseconds
from passthru.stats.kind import Outcome

FIELDS: Final = 8
"""Protocol, length, then the lists: status, connect, header and response time, bytes; the trail."""

_LISTS: Final = slice(2, 7)
_ABANDONED: Final = b"499"
_TIMED_OUT: Final = b"504"
_NOBODY: Final = b"-"
_PLAIN: Final = frozenset({b"200", b"206", b"304"})
_OK: Final = (Outcome.OK, None)
_NO: Final = frozenset({b"403", b"404", b"410"})


@dataclass(frozen=True, slots=True)
class Contact:
    """One server that was asked."""

    upstream: str
    outcome: Outcome | None
    """None when the client went before there was one."""

    milliseconds: int | None
    received_bytes: int
    error: str | None
    """What was wrong, for people."""


@dataclass(frozen=True, slots=True)
class Contacts:
    """What a line says of upstreams."""

    is_refresh: bool
    """Whether nobody waits for the answer: the line is not a client's."""

    asked: tuple[Contact, ...]


def read_contacts(fields: Sequence[bytes], *, upstream: str, status: bytes) -> Contacts:
    """Read the fields of a line whose last turn was `upstream`'s; raises ValueError."""
    is_refresh = read_count(fields[1]) == 0
    columns = [[turn.split(b", ") for turn in text.split(b" : ")] for text in fields[_LISTS]]
    owners = _owners(fields[-1], len(columns[0]), upstream, is_refresh=is_refresh)
    turns = zip(owners, *columns, strict=True)
    asked = tuple(
        _contact(owner, server, status)
        for owner, *lists in turns
        for server in zip(*lists, strict=True)
        if server[0]  # a turn that ended before anybody was asked
    )
    return Contacts(is_refresh, asked)


def _owners(trail: bytes, turns: int, last: str, *, is_refresh: bool) -> list[str]:
    """Return whose each turn in the lists was: the trail has the list as it was when a turn ended.

    A refresh shares the trail of the request that began it. Its own part begins with EXPIRED, which
    a request never says of itself: what has expired is served STALE, or looked for anew.
    """
    owners: list[str] = []
    refreshing = False
    for name, cache, answers in _ended(trail):
        refreshing = refreshing or cache == b"EXPIRED"
        if refreshing == is_refresh:
            grown = len(answers.split(b" : ")) if answers else 0
            owners += [name] * (min(grown, turns) - len(owners))
    return owners + [last] * (turns - len(owners))


def _ended(trail: bytes) -> Iterator[tuple[str, bytes, bytes]]:
    """Yield for each turn that ended: the upstream, its cache status, and who had answered what."""
    for part in trail.split(b"|")[1:]:
        turn, _, rest = part.partition(b" ")
        cache, _, answers = rest.partition(b"=")
        yield turn.partition(b"/")[2].decode("ascii", "replace"), cache, answers


def _contact(owner: str, server: Sequence[bytes], given: bytes) -> Contact:
    status, _, _, response, received = server
    outcome, error = _OK if status in _PLAIN else _judge(server, given)
    return Contact(
        upstream=owner,
        outcome=outcome,
        milliseconds=None if response == _NOBODY else read_milliseconds(response),
        received_bytes=0 if received == _NOBODY else read_count(received),
        error=error,
    )


def _judge(server: Sequence[bytes], given: bytes) -> tuple[Outcome | None, str | None]:
    status, connect, header, response, _ = server
    if header == _NOBODY and status == _TIMED_OUT:
        what = "no connection" if connect == _NOBODY else "no answer"
        return Outcome.TIMEOUT, f"{what} in {response.decode('ascii', 'replace')} s"
    if status == _NOBODY or (header == _NOBODY and status[:1] == b"5"):
        if given == _ABANDONED:
            return None, None
        return Outcome.ERROR, "no connection" if connect == _NOBODY else "broke off"
    code = read_count(status)
    if status in _NO:
        return Outcome.NOT_FOUND, None
    if 200 <= code < 400:  # noqa: PLR2004 - what HTTP calls success and redirection
        return _OK
    return Outcome.ERROR, f"answered {code}"
