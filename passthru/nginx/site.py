"""Where one instance keeps its things."""

import os
from dataclasses import dataclass
from typing import Final

from passthru.errors import PassthruError, RenderError

LONGEST_SOCKET_PATH: Final = 107
"""Bytes of a unix socket's path: `sun_path` is 108 long on Linux and ends in a zero (unix(7))."""


@dataclass(frozen=True, slots=True)
class Site:
    """The directories of an instance, absolute, and the names inside them."""

    state: str
    runtime: str
    cache: str

    @property
    def generations(self) -> str:
        """The directory of all renderings kept, one folder a generation."""
        return f"{self.state}/generations"

    @property
    def live(self) -> str:
        """The symbolic link to the generation that nginx reads."""
        return f"{self.state}/live"

    @property
    def good(self) -> str:
        """The symbolic link to the newest generation that was seen live."""
        return f"{self.state}/good"

    @property
    def last_apply(self) -> str:
        """The file that tells how the last transaction ended."""
        return f"{self.state}/last-apply.json"

    @property
    def logs(self) -> str:
        """The directory of nginx's logs."""
        return f"{self.state}/logs"

    @property
    def pid_file(self) -> str:
        """The file in which the nginx master writes its process id."""
        return f"{self.runtime}/nginx.pid"

    @property
    def socket(self) -> str:
        """The unix socket on which nginx answers the control plane, in every mode."""
        return f"{self.runtime}/nginx.sock"

    @property
    def exporter_socket(self) -> str:
        """The unix socket on which the exporter answers nginx, and whoever asks it directly."""
        return f"{self.runtime}/exporter.sock"

    @property
    def fills(self) -> str:
        """The unix socket on which `passthru fills` answers nginx."""
        return f"{self.runtime}/fills.sock"

    @property
    def fills_pid_file(self) -> str:
        """The file that is there as long as `passthru fills` is: nginx looks for no socket."""
        return f"{self.runtime}/fills.pid"

    @property
    def access_log(self) -> str:
        """The log of requests."""
        return f"{self.logs}/access.log"

    @property
    def hot(self) -> str:
        """The directory of the copies of hot narinfos."""
        return f"{self.runtime}/hot"

    def tunnel(self, name: str) -> str:
        """Return the unix socket that leads to an upstream through its proxy, or to where it may lead."""
        return f"{self.runtime}/tunnel-{name}.sock"

    @property
    def neighbours(self) -> str:
        """The file that says which caches are heard on the LAN."""
        return f"{self.runtime}/neighbours.json"

    @property
    def lan(self) -> str:
        """The unix socket that leads to the caches of the LAN."""
        return f"{self.runtime}/lan.sock"

    @property
    def identity(self) -> str:
        """The file of the random name that this instance bears on the LAN."""
        return f"{self.state}/lan-identity"

    @property
    def lock(self) -> str:
        """The file locked while a transaction runs."""
        return f"{self.runtime}/apply.lock"


def check_socket(
    path: str, named: str, *, hint: str, error: type[PassthruError] = RenderError
) -> None:
    """Raise `error` if the path of a unix socket, `named` so, is longer than the kernel takes."""
    length = len(os.fsencode(path))
    if length > LONGEST_SOCKET_PATH:
        raise error(
            f"{named} is too long: {path} has {length} bytes, and Linux takes {LONGEST_SOCKET_PATH}",
            hint=hint,
        )
