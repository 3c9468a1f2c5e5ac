"""Asking the running instance over its unix sockets."""

import http.client
import socket
from dataclasses import dataclass
from typing import Final

from passthru.errors import NotRunningError

LONGEST_ANSWER: Final = 16 << 20


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    status: int
    body: bytes
    cache_status: str | None
    upstream: str | None


def ask_socket(
    path: str, target: str, *, timeout: float = 5.0, most: int = LONGEST_ANSWER
) -> Reply:
    """GET `target` over the unix socket `path`; seconds, and bytes of body.

    Raises NotRunningError if nobody answers there, or not in HTTP, or with more than `most`.
    """
    connection = http.client.HTTPConnection("localhost")
    stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.sock = stream
    try:
        stream.settimeout(timeout)
        stream.connect(path)
        connection.request("GET", target, headers={"Connection": "close"})
        answer = connection.getresponse()
        body = answer.read(most + 1)
    except (OSError, http.client.HTTPException, ValueError) as fault:
        raise NotRunningError(f"nobody answers on {path}: {_said(fault)}") from fault
    finally:
        stream.close()
        connection.close()
    if len(body) > most:
        raise NotRunningError(f"what answers on {path} does not end")
    headers = answer.headers
    return Reply(answer.status, body, headers["X-Cache-Status"], headers["X-Cache-Upstream"])


def _said(fault: Exception) -> str:
    if isinstance(fault, TimeoutError):
        return "no answer in time"
    strerror = fault.strerror if isinstance(fault, OSError) else None
    return (strerror or type(fault).__name__).lower()
