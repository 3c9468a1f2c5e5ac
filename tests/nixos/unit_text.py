"""The text of a unit, as NixOS writes it from an attribute set."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def unit_text(unit: Mapping[str, Any]) -> str:
    """Return the sections that matter here: a list is a line for each of its elements."""
    return "\n".join(
        (
            "[Unit]",
            f"Description={unit['description']}",
            *(f"{key.title()}={' '.join(unit[key])}" for key in ("after", "before", "wants")),
            *lines(unit["unitConfig"]),
            "[Service]",
            *(f'Environment="{key}={value}"' for key, value in unit["environment"].items()),
            *lines(unit["serviceConfig"]),
            "",
        )
    )


def lines(settings: Mapping[str, Any]) -> list[str]:
    """Return a line for each setting."""
    return [
        f"{key}={str(value).lower() if isinstance(value, bool) else value}"
        for key, given in settings.items()
        for value in (given if isinstance(given, list) else [given])
    ]


def exposure(unit: Mapping[str, Any], name: str, folder: Path, *, threshold: int) -> str:
    """Return what systemd thinks is exposed, or nothing if it is under `threshold` (of 100)."""
    path = folder / f"{name}.service"
    path.write_text(unit_text(unit))
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", f"--threshold={threshold}", str(path)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.stdout + done.stderr if done.returncode else ""
