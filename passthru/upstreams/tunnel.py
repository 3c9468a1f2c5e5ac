"""What a tunnel is: a unix socket that leads to one upstream, through a proxy."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from passthru.errors import PassthruError, ProxyError
from passthru.upstreams.dialogue import Target
from passthru.upstreams.proxy import ProxyAddress


@dataclass(frozen=True, slots=True)
class Tunnel:
    """One tunnel; equal ones lead to the same place in the same way."""

    name: str
    """What its messages begin with."""
    socket: str
    """The absolute path of the socket that nginx connects to."""
    proxy: ProxyAddress
    target: Target
    seconds: float
    """How long making a connection may take."""

    @classmethod
    def parse(cls, record: dict[str, Any]) -> Self:
        """Read one record of tunnels.json; raises KeyError, TypeError, ValueError and ProxyError."""
        return cls(
            name=str(record["name"]),
            socket=str(record["socket"]),
            proxy=ProxyAddress.parse(record["proxy"]),
            target=Target(str(record["host"]), int(record["port"])),
            seconds=float(record["connect_timeout"]),
        )


def parse_tunnels(text: str) -> tuple[Tunnel, ...]:
    """Read a tunnels.json, which passthru renders; raises PassthruError, without any part of it."""
    try:
        return tuple(Tunnel.parse(record) for record in json.loads(text))
    except ProxyError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError):
        raise PassthruError("the list of tunnels is not one that passthru made") from None


def are_open(list_file: str) -> bool:
    """Say whether all tunnels of a tunnels.json have their sockets; also true without the file."""
    try:
        text = Path(list_file).read_text(encoding="utf-8")
        return all(Path(tunnel.socket).is_socket() for tunnel in parse_tunnels(text))
    except FileNotFoundError:
        return True
    except (OSError, PassthruError):
        return False
