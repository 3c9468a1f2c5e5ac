"""How the last change of the configuration ended, as `passthru up` and `apply` left it written."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError


class LastApply(BaseModel):
    """The record; moments in seconds since 1970."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    at: float
    successful: bool
    generation: str | None
    """What was to be live."""

    succeeded_at: float | None
    """When one last went well."""

    error: str | None


def read_last_apply(path: Path) -> LastApply | None:
    """Read the record; None if there is none, or none that can be read."""
    try:
        return LastApply.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
