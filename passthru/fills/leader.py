"""Asking nginx whether a request still leads for a path."""

from typing import Final

from passthru.inquiry.ask_async import ask_status

_SECONDS: Final = 1.0
_NOBODY: Final = 204
_SOMEBODY: Final = 463


async def is_led(nginx: str, path: str) -> bool | None:
    """Say whether somebody leads for `path`; None if nginx does not answer on its socket."""
    status = await ask_status(nginx, "/-/led", seconds=_SECONDS, headers={"X-Passthru-Led": path})
    return {_NOBODY: False, _SOMEBODY: True}.get(status) if status else None
