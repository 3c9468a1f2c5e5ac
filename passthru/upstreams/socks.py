"""SOCKS 5 as a client speaks it: RFC 1928, and RFC 1929 for user name and password."""

from ipaddress import ip_address
from typing import Final

from passthru.errors import ProxyError
from passthru.upstreams.dialogue import Dialogue, Read, Send, Target
from passthru.upstreams.proxy import ProxyAddress

_VERSION: Final = 5
_LOGIN_VERSION: Final = 1
_CONNECT: Final = 1
_NO_LOGIN: Final = 0
_LOGIN: Final = 2
_NONE_OF_THESE: Final = 0xFF
_NAME: Final = 3
_ADDRESS_BYTES: Final = {1: 4, 4: 16}
_LONGEST_NAME: Final = 255

_NOT_ALLOWED: Final = 2
_REPLIES: Final = {
    1: "it failed, and does not say why",
    _NOT_ALLOWED: "its rules do not allow it",
    3: "it does not reach the network",
    4: "it does not reach the host",
    5: "the host refused the connection",
    6: "it waited too long",
    7: "it does not know the command CONNECT",
    8: "it does not know this type of address",
}


class UnreachableError(ProxyError):
    """The proxy is fine, and does not get to this target; it may get to another address."""


def socks_dialogue(proxy: ProxyAddress, target: Target) -> Dialogue:
    """Ask a SOCKS 5 proxy for a connection to `target`; raises ProxyError."""
    methods = bytes([_NO_LOGIN] if proxy.user is None else [_NO_LOGIN, _LOGIN])
    yield Send(bytes([_VERSION, len(methods)]) + methods)
    version, method = yield Read(2)
    if version != _VERSION:
        raise ProxyError(f"it does not speak SOCKS 5 (its first byte is {version})")
    if method == _NONE_OF_THESE:
        raise ProxyError(
            "it wants a user name and password, and the spec has none"
            if proxy.user is None
            else "it accepts neither a user name and password nor their absence"
        )
    if method not in methods:
        raise ProxyError(f"it chose a way to log in that was not offered ({method})")
    if method == _LOGIN:
        yield from _log_in(proxy)
    yield Send(bytes([_VERSION, _CONNECT, 0]) + _packed(target))
    yield from _read_reply(target)


def _log_in(proxy: ProxyAddress) -> Dialogue:
    user = proxy.user or b""
    yield Send(
        bytes([_LOGIN_VERSION, len(user)]) + user + bytes([len(proxy.password)]) + proxy.password
    )
    version, status = yield Read(2)
    if version != _LOGIN_VERSION:
        raise ProxyError(f"it answers a login in an unknown version ({version})")
    if status != 0:
        raise ProxyError("it does not accept the user name and password")


def _read_reply(target: Target) -> Dialogue:
    version, code, _reserved, kind = yield Read(4)
    if version != _VERSION:
        raise ProxyError(f"it answers in an unknown version ({version})")
    if code != 0:
        reason = _REPLIES.get(code, f"for a reason that no standard knows ({code})")
        error = ProxyError if code == _NOT_ALLOWED else UnreachableError
        raise error(f"it does not connect to {target}: {reason}")
    if kind == _NAME:
        (count,) = yield Read(1)
    elif kind in _ADDRESS_BYTES:
        count = _ADDRESS_BYTES[kind]
    else:
        raise ProxyError(f"it answers with an unknown type of address ({kind})")
    yield Read(count + 2)  # the proxy's own end, and its port: of no use to us


def _packed(target: Target) -> bytes:
    port = target.port.to_bytes(2, "big")
    try:
        address = ip_address(target.host)
    except ValueError:
        name = target.host.encode("ascii")
        if not 1 <= len(name) <= _LONGEST_NAME:
            raise ProxyError(f"{target} has a name that SOCKS cannot carry") from None
        return bytes([_NAME, len(name)]) + name + port
    return bytes([1 if len(address.packed) == _ADDRESS_BYTES[1] else 4]) + address.packed + port
