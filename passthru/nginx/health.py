"""What a running instance says about itself on its unix socket."""

import json
from dataclasses import dataclass
from typing import Final

from passthru.errors import ListenError, NginxError, NotRunningError
from passthru.inquiry.ask import ask
from passthru.nginx.lock import instance_of
from passthru.nginx.site import Site, check_socket

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
    try:
        answer = ask(site.socket, "/health", seconds=timeout)
    except NotRunningError as error:
        if isinstance(error.__cause__, FileNotFoundError) and (pid := instance_of(site)):
            raise NotRunningError(
                f"passthru runs (process {pid}), and {site.socket} is not there:"
                " it starts just now, or somebody removed that",
                hint="it is there within seconds; if not, stop passthru and start it again",
            ) from error
        error.hint = error.hint or "start it with `passthru up`"
        raise
    if answer.status != _OK:
        raise NginxError(f"/health on {site.socket} answers {answer.status}, not 200")
    return parse_health(answer.body)


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
