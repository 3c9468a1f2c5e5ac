"""Hosts, addresses and networks, as they are written in a spec and in nginx."""

import re
from ipaddress import (
    AddressValueError,
    IPv4Address,
    IPv6Address,
    ip_address,
    ip_network,
)
from typing import Annotated, Final

from pydantic import AfterValidator

from passthru.spec.fault import BadValueError
from passthru.spec.kind import Kind
from passthru.spec.number import HIGHEST_PORT
from passthru.spec.text import Text, shown

LONGEST_HOST: Final = 253
"""RFC 1035, in characters, without the root's dot."""

_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PORT: Final = re.compile(r"[0-9]{1,5}", re.ASCII)
_INTERFACE: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._:-]{0,14}")


def check_host(host: str) -> str:
    """Return a host name or IPv4 address in lower case, without a last dot; raise BadValueError."""
    if not host.isascii():
        raise BadValueError(f"{shown(host)} is not an ASCII host name", _as_ascii(host))
    host = host.lower().removesuffix(".")
    if len(host) > LONGEST_HOST:
        raise BadValueError(f"the host name is longer than {LONGEST_HOST} characters")
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):  # as browsers do: a last label of digits makes an address
        return _check_ipv4(host)
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise BadValueError(
            f"{shown(host)} is not a host name" if host else "the host name is empty",
            "write a name such as cache.example.org: letters, digits, - and dots",
        )
    return host


def check_url_host(host: str) -> str:
    """Return the host of a URL: as `check_host`, or an IPv6 address without its brackets."""
    if not host.startswith("["):
        host = check_host(host)
    elif not host.endswith("]"):
        raise BadValueError("an IPv6 address has no closing bracket", "write it as [2001:db8::1]")
    else:
        host = _check_ipv6(host[1:-1])
    if is_address(host) and (ip_address(host).is_unspecified or ip_address(host).is_multicast):
        raise BadValueError(f"nothing can be fetched from {host}", "write the host that serves it")
    return host


def check_own_host(host: str) -> str:
    """Return the name by which clients reach this cache; raise BadValueError."""
    if "://" in host:
        raise BadValueError("is a URL", "write the host name alone, such as cache.example.org")
    if host.startswith("*"):
        raise BadValueError("holds a wildcard", "write one name, such as cache.example.org")
    name, colon, port = host.rpartition(":")
    if colon and port.isdecimal() and ":" not in name:
        raise BadValueError("holds a port", f"write {shown(name)}, and the port in listen.port")
    return check_host(host)


def check_redirect_host(text: str) -> str:
    """Return a host name, or `*.` and one of two labels or more, with its port if it has one.

    Raises BadValueError.
    """
    if "://" in text or "/" in text:
        raise BadValueError("is a URL", "write the host name alone, such as *.r2.dev")
    host, colon, port = text.rpartition(":")
    if not colon:
        return _check_redirect_name(text)
    if not _PORT.fullmatch(port) or not 1 <= int(port) <= HIGHEST_PORT:
        raise BadValueError(
            "has a port that is none", f"write a number from 1 to {HIGHEST_PORT} after the colon"
        )
    return f"{_check_redirect_name(host)}:{int(port)}"


def split_redirect_host(text: str) -> tuple[str, int | None]:
    """Return name and port of what `check_redirect_host` has accepted."""
    name, _, port = text.partition(":")
    return name, int(port) if port else None


def _check_redirect_name(host: str) -> str:
    if not host.startswith("*"):
        return check_host(host)
    if not host.startswith("*."):
        raise BadValueError("a wildcard is the whole first label", "write it as *.r2.dev")
    parent = check_host(host[2:])
    if "." not in parent or is_address(parent):
        raise BadValueError("is too wide a wildcard", "write it as *.r2.dev, or write whole names")
    return f"*.{parent}"


def check_listen_address(address: str) -> str:
    """Return `*` or an IP address without brackets, in its shortest form; raise BadValueError."""
    if address == "*":
        return address
    bare = address[1:-1] if address.startswith("[") and address.endswith("]") else address
    host, colon, port = address.rpartition(":")
    if colon and port.isdecimal() and ("." in host or host.endswith("]")) and host[:1] != ":":
        raise BadValueError("holds a port", f"write {shown(host)}, and the port in listen.port")
    if "%" in bare:
        raise BadValueError("holds a zone, and nginx knows none", 'write "*", or a global address')
    try:
        parsed = ip_address(bare)
    except ValueError:
        raise BadValueError(
            f"{shown(address)} is not an IP address",
            'write "*", or an address of this machine such as "192.168.1.2" (ip address shows them)',
        ) from None
    if parsed.is_multicast:
        raise BadValueError(f"nothing can listen on {parsed}", 'write "*", or a unicast address')
    return str(parsed)


def check_network(network: str) -> str:
    """Return an address or a network `ADDRESS/BITS` in its shortest form; raise BadValueError."""
    advice = 'write an address or a network, such as "192.168.0.0/16" or "::1"'
    if network in {"*", "all"}:
        raise BadValueError(f'"{network}" is not a network', 'write "0.0.0.0/0" and "::/0"')
    if "%" in network:
        raise BadValueError("holds a zone, and nginx knows none", advice)
    try:
        parsed = ip_network(network, strict=False)
    except ValueError:
        raise BadValueError(f"{shown(network)} is not a network", advice) from None
    if str(parsed.network_address) != str(ip_address(network.partition("/")[0])):
        raise BadValueError(f"{shown(network)} has bits set after its prefix", f'write "{parsed}"')
    whole = parsed.prefixlen == parsed.max_prefixlen
    return str(parsed.network_address) if whole else str(parsed)


def check_interface(name: str) -> str:
    """Return the name of a network interface; raise BadValueError."""
    if _INTERFACE.fullmatch(name) is None:
        raise BadValueError(
            f"{shown(name)} is not the name of a network interface",
            'write a name such as "eth0" (ip link shows them)',
        )
    return name


def is_address(host: str) -> bool:
    """Tell whether a host is an IP address (without brackets) and not a name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine by definition: RFC 6761's localhost, or a loopback address."""
    if is_address(host):
        return ip_address(host).is_loopback
    return host == "localhost" or host.endswith(".localhost")


def _keep_whole(addresses: tuple[str, ...]) -> tuple[str, ...]:
    if not addresses:
        raise BadValueError("is empty", "name an address, or leave it out for the mode's own")
    return ("*",) if "*" in addresses else tuple(dict.fromkeys(addresses))


def _check_ipv4(host: str) -> str:
    try:
        return str(IPv4Address(host))
    except AddressValueError:
        raise BadValueError(
            f"{shown(host)} is neither a host name nor an IPv4 address",
            "write all four numbers, such as 192.168.1.2",
        ) from None


def _check_ipv6(address: str) -> str:
    if "%" in address:
        raise BadValueError("holds a zone, and nginx knows none", "write a global address")
    try:
        return str(IPv6Address(address))
    except AddressValueError:
        raise BadValueError(
            f"{shown(address)} is not an IPv6 address", "write it as [2001:db8::1]"
        ) from None


def _as_ascii(host: str) -> str:
    try:
        return f"write {shown(host.encode('idna').decode())}"
    except UnicodeError:
        return "write the name in its xn-- form"


Host = Annotated[Text, AfterValidator(check_own_host), Kind("host name")]
RedirectHost = Annotated[Text, AfterValidator(check_redirect_host), Kind("host name")]
ListenAddress = Annotated[Text, AfterValidator(check_listen_address), Kind("address")]
Network = Annotated[Text, AfterValidator(check_network), Kind("network")]
Interface = Annotated[Text, AfterValidator(check_interface), Kind("interface")]

ListenAddresses = Annotated[tuple[ListenAddress, ...], AfterValidator(_keep_whole)]
"""At least one. All addresses are all addresses, whatever is named beside them."""
