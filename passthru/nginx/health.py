"""What a running instance says about itself on its unix socket."""

import http.client
import json
import socket
from dataclasses import dataclass
from typing import Final

from passthru.errors import ListenError, NginxError, NotRunningError
from passthru.nginx.site import Site, check_socket

_LONGEST_ANSWER: Final = 65536
_OK: Final = 200


@dataclass(frozen=True, slots=True)
class Health:
    """The answer of `GET /health`."""

    status: str
    cache: str
    version: str
    generation: str


def ask_health(site: Site, *, timeout: float = 2.0) -> Health:
    """Ask the instance of `site` which generation it serves; `timeout` is in seconds.

    Raises NotRunningError if nobody answers, NginxError if the answer is not one of ours.
    """
    connection = http.client.HTTPConnection("localhost")
    try:
        connection.sock = _connect(site.socket, timeout)
        connection.request("GET", "/health", headers={"Connection": "close"})
        answer = connection.getresponse()
        body = answer.read(_LONGEST_ANSWER)
    except (OSError, http.client.HTTPException) as fault:
        raise NotRunningError(
            f"no instance answers on {site.socket}: {_said(fault)}",
            hint="run this as root, or as the user that runs passthru"
            if isinstance(fault, PermissionError)
            else "start it with `passthru up`",
        ) from fault
    finally:
        connection.close()
    if answer.status != _OK:
        raise NginxError(f"/health on {site.socket} answers {answer.status}, not 200")
    return parse_health(body)


def parse_health(body: bytes) -> Health:
    """Read the JSON of `/health`; raises NginxError if it is not passthru's."""
    try:
        record = json.loads(body)
    except ValueError as fault:
        raise NginxError(f"/health is not JSON: {body[:60]!r}") from fault
    if not isinstance(record, dict) or record.get("cache") != "passthru":
        raise NginxError(f"/health is not that of passthru: {body[:60]!r}")
    generation = record.get("generation")
    if not isinstance(generation, str):
        raise NginxError(f"/health names no generation: {body[:60]!r}")
    return Health(
        status=str(record.get("status", "")),
        cache="passthru",
        version=str(record.get("version", "")),
        generation=generation,
    )


def is_live(site: Site, generation: str, *, timeout: float = 2.0) -> bool:
    """Say whether the instance answers, and serves `generation`."""
    try:
        return ask_health(site, timeout=timeout).generation == generation
    except (NotRunningError, NginxError):
        return False


def is_well(site: Site, *, timeout: float = 1.0) -> bool:
    """Say whether the instance answers, whatever it serves."""
    try:
        return ask_health(site, timeout=timeout).status == "ok"
    except (NotRunningError, NginxError):
        return False


def check_socket_path(site: Site) -> None:
    """Raise ListenError if the path of the unix socket is longer than the kernel takes."""
    check_socket(
        site.socket,
        "the path of the unix socket",
        hint="set runtime_directory to a shorter path",
        error=ListenError,
    )


def _said(fault: Exception) -> str:
    strerror = fault.strerror if isinstance(fault, OSError) else None
    return (strerror or str(fault) or type(fault).__name__).lower()


def _connect(path: str, timeout: float) -> socket.socket:
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connected.settimeout(timeout)
        connected.connect(path)
    except OSError:
        connected.close()
        raise
    return connected
