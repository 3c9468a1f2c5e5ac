"""The caches that the mDNS sidecar hears; what strangers announce is bounded and not believed."""

from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from passthru.stats.snapshot import Neighbour

MOST: Final = 50
_LONGEST: Final = 1 << 20


class _Heard(BaseModel):
    model_config = ConfigDict(extra="ignore")

    name: Annotated[str, Field(max_length=253)]
    url: Annotated[str, Field(max_length=2000, pattern=r"^https?://")]
    priority: int | None = None
    healthy: bool | None = None
    latency_seconds: Annotated[float | None, Field(alias="latencySeconds", ge=0)] = None
    ourselves: bool = False


_Entries: Final = TypeAdapter(list[object])


def read_neighbours(path: Path) -> tuple[Neighbour, ...]:
    """Return those of the file that make sense; none if there is no file."""
    try:
        with path.open("rb") as file:
            entries = _Entries.validate_json(file.read(_LONGEST))
    except (OSError, ValidationError):
        return ()
    found = []
    for entry in entries[:MOST]:
        try:
            heard = _Heard.model_validate(entry)
        except ValidationError:
            continue
        found.append(
            Neighbour(
                name=heard.name,
                url=heard.url,
                priority=heard.priority,
                healthy=heard.healthy,
                latency_seconds=heard.latency_seconds,
                ourselves=heard.ourselves,
            )
        )
    return tuple(found)
