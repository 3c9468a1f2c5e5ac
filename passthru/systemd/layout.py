"""Where the files of an installation go."""

from dataclasses import dataclass
from typing import Final

USER: Final = "passthru"
SERVICE: Final = "passthru.service"


@dataclass(frozen=True, slots=True)
class Layout:
    """The directories of systemd that we write into, and whose files they are."""

    units: str
    tmpfiles: str
    sysusers: str | None
    """None: the user is made once, without a file that says so."""

    def unit(self, name: str) -> str:
        """Return the path of a unit."""
        return f"{self.units}/{name}"

    @property
    def users_file(self) -> str | None:
        """The file that describes our user, if there is one."""
        return f"{self.sysusers}/passthru.conf" if self.sysusers else None

    @property
    def directories_file(self) -> str:
        """The file that describes our directories."""
        return f"{self.tmpfiles}/passthru.conf"


ADMINISTRATOR: Final = Layout("/etc/systemd/system", "/etc/tmpfiles.d", sysusers=None)
"""What `passthru install` uses: the places that belong to whoever runs the machine.

No /etc/sysusers.d, for few systems have it, and nobody could tell later that it was our doing.
"""

PACKAGE: Final = Layout(
    "/usr/lib/systemd/system", "/usr/lib/tmpfiles.d", sysusers="/usr/lib/sysusers.d"
)
"""What a distribution's package uses."""

SPEC: Final = "/etc/passthru/passthru.toml"
LOGS: Final = "/var/log/passthru"


@dataclass(frozen=True, slots=True)
class Directories:
    """The directories of an instance, absolute."""

    cache: str = "/var/cache/passthru"
    state: str = "/var/lib/passthru"
    runtime: str = "/run/passthru"

    @property
    def foreign(self) -> tuple[str, ...]:
        """Those that systemd does not make for us, because a spec names others."""
        usual = Directories()
        pairs = (
            (self.cache, usual.cache),
            (self.state, usual.state),
            (self.runtime, usual.runtime),
        )
        return tuple(path for path, expected in pairs if path != expected)
