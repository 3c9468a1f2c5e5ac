"""Send what nobody should: `python -m tests.lan.hostile flood|garbage|impostor ADDRESS`."""

import random
import socket
import struct
import sys
import time

GROUP = ("224.0.0.251", 5353)
ESCAPES = b"\x1b[2J\x1b]0;owned\x07\r\n"


def label(text: bytes) -> bytes:
    """Return one label."""
    return bytes([len(text)]) + text


def name(*labels: bytes) -> bytes:
    """Return a name, uncompressed."""
    return b"".join(map(label, labels)) + b"\0"


def record(owner: bytes, kind: int, data: bytes, *, ttl: int = 120, flush: bool = True) -> bytes:
    """Return one resource record."""
    return owner + struct.pack(">HHIH", kind, 0x8001 if flush else 1, ttl, len(data)) + data


def announcement(
    instance: bytes, *, address: str, port: int = 9, txt: tuple[bytes, ...] = (b"nix-cache=1",)
) -> bytes:
    """Return a whole announcement of a cache."""
    service = (b"_http", b"_tcp", b"local")
    full, host = name(instance, *service), name(instance[:20].strip() or b"x", b"local")
    answers = [
        record(name(*service), 12, full, flush=False),
        record(full, 33, struct.pack(">HHH", 0, 0, port) + host),
        record(full, 16, b"".join(map(label, txt))),
        record(host, 1, socket.inet_aton(address)),
    ]
    return struct.pack(">HHHHHH", 0, 0x8400, 0, len(answers), 0, 0) + b"".join(answers)


def flood(address: str) -> list[bytes]:
    """Return a thousand caches, with escapes, long texts and addresses of the world."""
    chosen = random.Random(1)  # noqa: S311 - no secret
    packets = []
    for number in range(1000):
        at = (address, f"203.0.113.{number % 250 + 1}", f"10.213.7.{number % 250 + 4}")[number % 3]
        txt = (b"nix-cache=1", b"priority=1", b"id=" + ESCAPES, b"keys=" + b"A" * 200)
        if number % 5:  # fit for a name, not for a terminal: its own CSI, and text turned round
            odd = "\x9b2J\u202e".encode()
        else:
            odd = ESCAPES + bytes(chosen.randrange(1, 256) for _ in range(20))
        instance = odd + b"%04d" % number
        packets.append(announcement(instance, address=at, port=9 + number, txt=txt))
    return packets


def garbage(address: str) -> list[bytes]:
    """Return packets that are cut, looped, lying about their counts, or nothing at all."""
    chosen = random.Random(2)  # noqa: S311 - no secret
    whole = announcement(b"cut", address=address)
    packets = [whole[:length] for length in range(len(whole))]
    packets += [
        bytes(chosen.randrange(256) for _ in range(chosen.randrange(600))) for _ in range(200)
    ]
    loop = b"\xc0\x0c" + struct.pack(">HHIH", 16, 1, 120, 2) + b"\xc0\x0c"
    packets += [
        struct.pack(">HHHHHH", 0, 0x8400, 0, count, 0, 0) + loop for count in (1, 500, 65535)
    ]
    packets += [
        announcement(b"impostor", address=address, port=0),
        announcement(b"texts", address=address, txt=tuple(b"x=%d" % n for n in range(60))),
        announcement(b"", address=address)[:40],
    ]
    return packets


def main(what: str, address: str) -> None:
    """Send them to the group."""
    packets = {"flood": flood, "garbage": garbage}[what](address)
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
    sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
    sender.bind((address, 5353))
    for number, packet in enumerate(packets):
        sender.sendto(packet, GROUP)
        if number % 50 == 0:
            time.sleep(0.01)  # receive buffers are finite, and it is not the kernel that is tested


if __name__ == "__main__":
    main(*sys.argv[1:])
