"""What a configuration rendered elsewhere leaves to the machine that runs it; pure.

A build knows no secrets, and not which name servers a network will hand out. nginx includes both from
a directory that `passthru render --late` writes on the machine, each time before nginx starts.
"""

from dataclasses import dataclass
from typing import Final, Self

from passthru.errors import RenderError
from passthru.nginx.credentials import CREDENTIALS
from passthru.nginx.machine import Machine
from passthru.spec import Spec

RESOLVERS: Final = "resolvers.conf"
"""The name servers, where the machine has to be asked for them."""

FIRST: Final = "late"
"""The folder, in a rendering, of what stands in for these files until they are written."""


@dataclass(frozen=True, slots=True)
class LateFiles:
    """The paths of the files that the machine writes; None where there is nothing left to write."""

    credentials: str | None
    resolvers: str | None

    @classmethod
    def of(cls, spec: Spec, machine: Machine) -> Self | None:
        """Return what is left to the machine, or None for a rendering made on it.

        Raises RenderError for what could not even be done there.
        """
        if machine.late is None:
            return None
        wanted = any(upstream.credentials_file for upstream in spec.upstreams)
        return cls(
            credentials=f"{machine.late}/{CREDENTIALS}" if wanted else None,
            resolvers=None if machine.resolvers else f"{machine.late}/{RESOLVERS}",
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the files, without their directory."""
        return tuple(
            name
            for name, path in ((CREDENTIALS, self.credentials), (RESOLVERS, self.resolvers))
            if path is not None
        )


def refuse_unknown_hosts(hosts: tuple[str, ...], machine: Machine) -> None:
    """Raise RenderError for a host that nginx cannot look up, and that has no address here."""
    for host in hosts:
        if host not in machine.addresses:
            raise RenderError(
                f"this nginx cannot look up {host}, and the machine's facts have no address of it",
                hint="write its address in place of the name, or render for nginx 1.27.3 or later"
                " (which asks name servers only, so never for .local names)",
            )
