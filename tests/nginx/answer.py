"""What an origin answers to a request, faults and all: pure."""

import gzip
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from typing import Final

from tests.nginx.fault import Fault, File, Framing, Ranges, content_type

_RANGE: Final = re.compile(r"bytes=(\d*)-(\d*)$")
_PHRASES: Final = {int(status): status.phrase for status in HTTPStatus}
_TEXT: Final = {"Content-Type": "text/plain"}


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, the usual headers without those that frame the body, and the body."""

    status: int
    headers: dict[str, str]
    body: bytes


def choose_answer(
    held: File | None, fault: Fault, method: str, path: str, request: Mapping[str, str]
) -> Answer:
    """Answer a request with headers `request` for what is `held`, spoilt by `fault`."""
    if fault.status is not None:
        body = f"{fault.status}\n".encode() if fault.body is None else fault.body
        return Answer(fault.status, dict(_TEXT), body)
    if held is None:
        return Answer(404, dict(_TEXT), b"404\n")
    if method not in {"GET", "HEAD"}:
        return Answer(405, {**_TEXT, "Allow": "GET, HEAD"}, b"405\n")
    headers = {
        "Content-Type": content_type(path),
        "ETag": held.etag,
        "Last-Modified": held.last_modified,
        **dict(held.headers),
    }
    if fault.ranges is Ranges.HONOURED:
        headers["Accept-Ranges"] = "bytes"
    if _unchanged(held, request, without=fault.without):
        return Answer(304, headers, b"")
    body = _spoil(held.body if fault.body is None else fault.body, fault)
    if fault.gzip:
        body = gzip.compress(body, mtime=0)
        headers["Content-Encoding"] = "gzip"
    if fault.ranges is not Ranges.IGNORED and (asked := request.get("range")):
        return _cut_range(asked, headers, body)
    return Answer(200, headers, body)


def write_head(answer: Answer, fault: Fault) -> bytes:
    """Write the status line and all headers, to the empty line."""
    usual = {"Date": formatdate(usegmt=True), **answer.headers}
    if answer.status not in {204, 304}:
        match fault.framing:
            case Framing.LENGTH:
                usual["Content-Length"] = str(len(answer.body))
            case Framing.CHUNKED:
                usual["Transfer-Encoding"] = "chunked"
            case Framing.CLOSE:
                usual["Connection"] = "close"
    hidden = {name.lower() for name, _ in fault.headers} | {n.lower() for n in fault.without}
    pairs = [(name, value) for name, value in usual.items() if name.lower() not in hidden]
    lines = [f"{name}: {value}" for name, value in (*pairs, *fault.headers)]
    phrase = _PHRASES.get(answer.status, "Strange")
    return "\r\n".join((f"HTTP/1.1 {answer.status} {phrase}", *lines, "", "")).encode("latin-1")


def _spoil(body: bytes, fault: Fault) -> bytes:
    if fault.corrupt:
        middle = len(body) // 2
        flipped = bytes(byte ^ 0xFF for byte in body[middle : middle + 4])
        body = body[:middle] + flipped + body[middle + 4 :]
    return body if fault.short is None else body[: fault.short]


def _unchanged(held: File, request: Mapping[str, str], *, without: tuple[str, ...]) -> bool:
    asked = request.get("if-none-match")
    if asked is not None and "ETag" not in without:
        return held.etag in asked
    return "Last-Modified" not in without and request.get("if-modified-since") == held.last_modified


def _cut_range(asked: str, headers: dict[str, str], body: bytes) -> Answer:
    found = _RANGE.match(asked)
    if found is None or not (found[1] or found[2]):
        return Answer(200, headers, body)
    first = int(found[1]) if found[1] else max(0, len(body) - int(found[2]))
    last = min(int(found[2]), len(body) - 1) if found[1] and found[2] else len(body) - 1
    if first >= len(body) or last < first:
        return Answer(416, {"Content-Range": f"bytes */{len(body)}"}, b"")
    headers["Content-Range"] = f"bytes {first}-{last}/{len(body)}"
    return Answer(206, headers, body[first : last + 1])


def chunk(piece: bytes) -> bytes:
    """Wrap `piece` as one chunk of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(piece), piece)


def drops(body: bytes, rate: int) -> Iterator[tuple[bytes, float]]:
    """Yield the pieces of `body` and the seconds to wait after each, for `rate` bytes a second."""
    size = max(1, rate // 20)
    for start in range(0, len(body), size):
        piece = body[start : start + size]
        yield piece, len(piece) / rate
