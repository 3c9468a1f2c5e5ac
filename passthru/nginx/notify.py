"""Telling whoever started us how we are: systemd (sd_notify(3)), `passthru up`, or nobody at all."""

import os
import socket
import time
from contextlib import suppress
from typing import Final

VOICE: Final = "PASSTHRU_VOICE"
"""The variable that names the pipe to `passthru up`, by its descriptor."""

_SECONDS: Final = 1.0


def notify_ready(status: str) -> None:
    """Say that start-up, or a reload, is over."""
    _notify("READY=1", f"STATUS={status}")


def notify_reloading(status: str) -> None:
    """Say that a reload began; systemd before 253 ignores the time (Type=notify-reload)."""
    now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    _notify("RELOADING=1", f"MONOTONIC_USEC={now}", f"STATUS={status}")


def notify_stopping(status: str) -> None:
    """Say that we are on the way out."""
    _notify("STOPPING=1", f"STATUS={status}")


def notify_status(status: str) -> None:
    """Say one line for `systemctl status`."""
    _notify(f"STATUS={status}")


def notify_alive() -> None:
    """Say that all is well: without it for WatchdogSec=, systemd ends us, and so does `up`."""
    _notify("WATCHDOG=1")
    voice = os.environ.get(VOICE, "")
    if voice.isascii() and voice.isdigit():
        with suppress(OSError):
            os.write(int(voice), b".")


def _notify(*lines: str) -> None:
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    if address.startswith("@"):  # the abstract name space, unix(7)
        address = f"\0{address[1:]}"
    message = "\n".join(line.replace("\n", " ") for line in lines)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(_SECONDS)
            sender.sendto(message.encode(), address)
    except OSError:
        return  # nobody may fail to serve because nobody listens
