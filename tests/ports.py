"""Free TCP ports on loopback."""

import contextlib
import random
import socket


def free_port() -> int:
    """Return a port that nobody listens on, below those the kernel gives to outgoing connections.

    Another process may still take it first.
    """
    while True:
        port = random.randint(10_000, 32_000)  # noqa: S311 - no secret
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
