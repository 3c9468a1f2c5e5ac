"""A name server for tests: UDP, A and AAAA records, on a port of its own choosing."""

import contextlib
import ipaddress
import socket
import struct
import threading
from collections.abc import Iterable, Mapping
from typing import Self


class Names:
    """Answers from `records` (name to addresses, may change); what is not there does not exist."""

    def __init__(self, records: Mapping[str, Iterable[str]]) -> None:
        self.records = {name: tuple(addresses) for name, addresses in records.items()}
        self.asked: list[str] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                query, client = self._socket.recvfrom(512)
                if not query:
                    return
                self._socket.sendto(self._answer(query), client)
            except OSError:
                return

    def _answer(self, query: bytes) -> bytes:
        end = query.index(b"\0", 12) + 5
        labels, place = [], 12
        while length := query[place]:
            labels.append(query[place + 1 : place + 1 + length].decode())
            place += 1 + length
        name = ".".join(labels).lower()
        self.asked.append(name)
        version = {1: 4, 28: 6}.get(struct.unpack("!H", query[end - 4 : end - 2])[0])
        parsed = [ipaddress.ip_address(text) for text in self.records.get(name, ())]
        packed = [address.packed for address in parsed if address.version == version]
        code = 0x8180 if name in self.records else 0x8183
        head = query[:2] + struct.pack("!HHHHH", code, 1, len(packed), 0, 0) + query[12:end]
        kind = query[end - 4 : end - 2]
        return head + b"".join(
            b"\xc0\x0c" + kind + struct.pack("!HIH", 1, 1, len(data)) + data for data in packed
        )
