"""The method CONNECT as a client of an HTTP proxy speaks it (RFC 9110, 9.3.6)."""

import re
from typing import Final

from passthru.errors import ProxyError
from passthru.upstreams.dialogue import Dialogue, ReadUntil, Send, Target
from passthru.upstreams.proxy import ProxyAddress

_MOST: Final = 16384
_END: Final = b"\r\n\r\n"
_OK: Final = 200
_LOGIN_WANTED: Final = 407
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.[01] ([0-9]{3})(?: [^\r\n]*)?")
_UNPRINTABLE: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")

_REASONS: Final = {
    403: "its rules do not allow it",
    404: "it does not find the host",
    405: "it does not know the method CONNECT",
    501: "it does not know the method CONNECT",
    502: "it does not reach the host",
    503: "it does not reach the host",
    504: "it waited too long",
}


def http_dialogue(proxy: ProxyAddress, target: Target) -> Dialogue:
    """Ask an HTTP proxy for a connection to `target`; raises ProxyError."""
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    if proxy.basic:
        lines.append(f"Proxy-Authorization: {proxy.basic}")
    yield Send("\r\n".join([*lines, "", ""]).encode("ascii"))
    answer = yield ReadUntil(_END, _MOST)
    head, end, early = answer.partition(_END)
    status, *fields = head.split(b"\r\n")
    found = _STATUS_LINE.fullmatch(status)
    if found is None:
        raise ProxyError("it does not speak HTTP/1.1")
    if not end:
        raise ProxyError(f"the head of its answer is longer than {_MOST} bytes")
    if any(_UNPRINTABLE.search(line) for line in (status, *fields)):
        raise ProxyError("the head of its answer holds control characters")
    _check_status(int(found[1]), proxy, target)
    if early:
        # Nothing was asked yet, so this is nothing that the upstream could have said.
        raise ProxyError("it sends more than the head of its answer")


def _check_status(status: int, proxy: ProxyAddress, target: Target) -> None:
    if status == _OK:
        return
    if status == _LOGIN_WANTED:
        raise ProxyError(
            "it wants a user name and password, and the spec has none"
            if proxy.user is None
            else "it does not accept the user name and password"
        )
    reason = _REASONS.get(status, "it does not say why in a way that we know")
    raise ProxyError(f"it does not connect to {target}: {reason} ({status})")
