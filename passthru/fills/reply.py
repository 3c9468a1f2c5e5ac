"""What nginx is answered: the head of a stream, or where to go instead; pure."""

from dataclasses import dataclass
from enum import IntEnum

from passthru.fills.head import Head
from passthru.fills.question import Question


class Instead(IntEnum):
    """Why nginx is to look elsewhere; the numbers are known to templates/nginx/http/35-fills.j2."""

    LATER = 295
    """An upstream that hangs is passed over: a later one's copy is there, or on its way."""

    THE_REST = 296
    """Nobody downloads it, and only its end is wanted: that alone is asked of an upstream."""

    AGAIN = 297
    """Something is on its way of which nginx knows more than we do."""

    PAST_THE_LOCK = 298
    """Who held the lock is dead, and nginx does not know."""

    OTHERWISE = 299
    """Its ordinary turn: it is stored, or nobody downloads it."""


@dataclass(frozen=True, slots=True)
class Extent:
    """Which bytes of a body are sent, under which head; without an end as many as there are."""

    head: bytes
    first: int
    end: int | None


def redirect(code: Instead, target: str) -> bytes:
    """Return the answer that sends nginx to `target`."""
    text = f"HTTP/1.1 {code.value} Elsewhere\r\nX-Accel-Redirect: {target}\r\n"
    return (text + "Content-Length: 0\r\nConnection: close\r\n\r\n").encode(
        errors="surrogateescape"
    )


def refusal() -> bytes:
    """Return the answer to what is no question."""
    return b"HTTP/1.1 500 Not a question\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def plan_stream(question: Question, head: Head) -> Extent:
    """Return how the bytes of a download are sent to a follower."""
    lines = [f"{name}: {value}" for name, value in head.fields]
    if head.length is None:
        return _extent("200 OK", [*lines, "Transfer-Encoding: chunked"], 0, None)
    part, length = question.part, head.length
    if part is None or part.first >= length or question.if_range not in {None, head.etag}:
        return _extent("200 OK", [*lines, f"Content-Length: {length}"], 0, length)
    end = length if part.last is None else min(part.last + 1, length)
    lines += [
        f"Content-Range: bytes {part.first}-{end - 1}/{length}",
        f"Content-Length: {end - part.first}",
    ]
    return _extent("206 Partial Content", lines, part.first, end)


def _extent(status: str, lines: list[str], first: int, end: int | None) -> Extent:
    text = "\r\n".join((f"HTTP/1.1 {status}", *lines, "Connection: close", "", ""))
    return Extent(text.encode("latin-1"), first, end)
