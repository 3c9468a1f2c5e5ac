"""What the machine says that a plan depends on, as plain values, so that planning stays pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from passthru.nginx.disk import Disk
from passthru.spec.listening import LOCAL


@dataclass(frozen=True, slots=True)
class Machine:
    """The facts of one machine; `survey.look_at_machine` fills it in from the real one."""

    name: str
    """The host name, without a domain."""

    root: bool
    """Whether we run as root, and nginx's workers therefore change their user."""

    user: str | None
    """The workers' user when `root`, else None."""

    group: str | None
    """The workers' group when `root`, else None."""

    open_files: int
    """How many files a process may open at most (the hard limit)."""

    ipv6: bool
    """Whether the kernel lets a socket listen on IPv6."""

    ipv6_route: bool
    """Whether there is an IPv6 route to the outside, so that an AAAA record is of use."""

    resolvers: tuple[str, ...]
    """Name servers, in the order of resolv.conf, as nginx writes them (IPv6 in brackets)."""

    ca_bundle: str
    """The system's bundle of CA certificates, a PEM file."""

    cache_directory: str
    state_directory: str
    runtime_directory: str
    """Where things go when the spec is silent; absolute."""

    instance: str
    """Eight hexadecimal digits that tell this instance from all others, in the loop guard."""

    local_addresses: tuple[str, ...] = LOCAL
    """Where mode "local" listens when the spec is silent: in a container, its host is elsewhere."""

    disk: Disk = field(default_factory=Disk)
    """What the disk of the cache is good for just now."""

    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Credentials file to the Authorization header that comes of it."""

    addresses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Upstream host to its addresses, for those hosts that nginx must not resolve itself."""

    late: str | None = None
    """For a rendering made elsewhere: the directory of the files that only this machine can write,
    which are those of `late.LateFiles`."""
