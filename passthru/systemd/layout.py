"""Where the files of an installation go."""

from dataclasses import dataclass
from typing import Final

USER: Final = "passthru"
SERVICE: Final = "passthru.service"


@dataclass(frozen=True, slots=True)
class Layout:
    """The directories of systemd that we write into, and whose files they are."""

    units: str
    sysusers: str
    tmpfiles: str

    def unit(self, name: str) -> str:
        """Return the path of a unit."""
        return f"{self.units}/{name}"

    @property
    def users_file(self) -> str:
        """The file that describes our user."""
        return f"{self.sysusers}/passthru.conf"

    @property
    def directories_file(self) -> str:
        """The file that describes our directories."""
        return f"{self.tmpfiles}/passthru.conf"


ADMINISTRATOR: Final = Layout("/etc/systemd/system", "/etc/sysusers.d", "/etc/tmpfiles.d")
"""What `passthru install` uses: the places that belong to whoever runs the machine."""

PACKAGE: Final = Layout("/usr/lib/systemd/system", "/usr/lib/sysusers.d", "/usr/lib/tmpfiles.d")
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
