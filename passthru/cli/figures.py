"""The snapshot of a running instance, from whoever gives it: the exporter, or nginx before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from passthru.errors import NginxError, NotRunningError
from passthru.inquiry.ask import ask
from passthru.nginx.health import ask_health
from passthru.stats.snapshot import Snapshot
from passthru.stats.stranger import plain
from passthru.stats.stub_status import PATH, NginxFigures, parse_figures

if TYPE_CHECKING:
    from passthru.inquiry.reply import Reply
    from passthru.nginx.health import Health
    from passthru.nginx.site import Site

_OK: Final = 200
_SECONDS: Final = 5.0
_LONGEST: Final = 16 << 20


@dataclass(frozen=True, slots=True)
class Figures:
    """A snapshot, and the JSON that it came as."""

    snapshot: Snapshot
    text: str


def find_snapshot(site: Site, page: str) -> Figures:
    """Ask the exporter of a site, and where that is not to be had, nginx at the path `page`.

    Raises NotRunningError where neither has figures.
    """
    first: NotRunningError | None = None
    for path, target in (
        (site.exporter_socket, "/status.json"),
        (site.socket, f"{page}.json"),
    ):
        try:
            reply = ask(path, target, seconds=_SECONDS, most=_LONGEST)
            if reply.status == _OK and reply.is_whole:
                return _read(reply)
            said = f"{reply.status}, not 200" if reply.is_whole else "more than figures, or less"
            first = first or NotRunningError(f"{path} answers {said}")
        except NotRunningError as error:
            first = first or error
    assert first is not None  # noqa: S101 - the loop has left with one, or with a result
    raise first


def _read(reply: Reply) -> Figures:
    try:
        return Figures(
            Snapshot.model_validate_json(reply.body), reply.body.decode("utf-8", "replace")
        )
    except ValidationError as fault:
        problem = fault.errors()[0]
        said = plain(": ".join([*map(str, problem["loc"]), problem["msg"]]))
        raise NotRunningError(
            f"the exporter's figures are not what this passthru knows: {said}",
            hint="run one version of both: restart the instance, or `passthru exporter`",
        ) from fault


def find_health(site: Site) -> Health | None:
    """Return what the running instance says of itself; None where none answers."""
    try:
        return ask_health(site)
    except (NotRunningError, NginxError):
        return None


def find_connections(site: Site) -> NginxFigures | None:
    """Return nginx's own figures; None where it tells none."""
    try:
        return parse_figures(ask(site.socket, PATH, seconds=_SECONDS).body)
    except NotRunningError:
        return None
