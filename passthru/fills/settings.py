"""What a rendering tells us: where nginx asks, and where its downloads are."""

import json
from dataclasses import dataclass
from pathlib import Path

from passthru.errors import PassthruError
from passthru.fills.zone import Zone


@dataclass(frozen=True, slots=True)
class Settings:
    """One fills.json. Paths are absolute."""

    socket: str
    """Where nginx asks us."""
    pid_file: str
    """What nginx sees us by."""
    nginx: str
    """Where nginx answers us."""
    zone: Zone
    patience: float
    """Seconds without a new byte after which a download is given up."""


def parse_settings(text: str) -> Settings:
    """Read a fills.json; raises PassthruError."""
    try:
        record = json.loads(text)
        zone = Zone(str(record["directory"]), str(record["levels"]))
        zone.path("")  # raises ValueError for levels that are none
        return Settings(
            socket=str(record["socket"]),
            pid_file=str(record["pid_file"]),
            nginx=str(record["nginx"]),
            zone=zone,
            patience=float(record["patience"]),
        )
    except (KeyError, TypeError, ValueError):
        raise PassthruError("the settings are none that passthru made") from None


def is_open(path: str) -> bool:
    """Say whether the socket of a fills.json is there; also true without the file."""
    try:
        text = Path(path).read_text(encoding="utf-8")
        return Path(parse_settings(text).socket).is_socket()
    except FileNotFoundError:
        return True
    except (OSError, PassthruError):
        return False
