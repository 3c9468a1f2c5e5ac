"""Where a spec makes the cache listen, the mode's defaults filled in."""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, assert_never

from passthru.spec.address import is_address, is_loopback
from passthru.spec.mode import Mode

if TYPE_CHECKING:
    from passthru.spec.models import Spec

LOCAL: Final = ("127.0.0.1", "::1")
ALL: Final = ("*",)


@dataclass(frozen=True, slots=True)
class Listening:
    """The sockets of one cache; `tls_port` is None where TLS is not spoken."""

    addresses: tuple[str, ...]
    port: int
    tls_port: int | None

    @property
    def ports(self) -> frozenset[int]:
        """All ports listened on."""
        return frozenset({self.port} if self.tls_port is None else {self.port, self.tls_port})

    @property
    def is_local(self) -> bool:
        """Whether only this machine can connect."""
        return all(is_loopback(address) for address in self.addresses)

    def is_at(self, host: str, port: int) -> bool:
        """Tell whether this machine's connections to `host` (not our own name) come in here."""
        if port not in self.ports:
            return False
        if is_loopback(host):
            return any(self._takes_loopback(host, address) for address in self.addresses)
        return is_address(host) and host in self.addresses

    @staticmethod
    def _takes_loopback(host: str, address: str) -> bool:
        if address == "*" or ip_address(address).is_unspecified:
            return True
        return host == address if is_address(host) else is_loopback(address)


def find_listening(spec: "Spec") -> Listening:
    """Return where the cache of this spec listens."""
    listen = spec.listen
    match spec.mode:
        case Mode.LOCAL:
            return Listening(listen.addresses or LOCAL, listen.port or 8080, None)
        case Mode.LAN:
            return Listening(listen.addresses or ALL, listen.port or 80, None)
        case Mode.TLS:
            return Listening(listen.addresses or ALL, listen.port or 80, listen.tls_port or 443)
        case never:
            assert_never(never)
