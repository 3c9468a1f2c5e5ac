"""An upstream and its name server, in whatever namespace this runs: `python -m … FOLDER PORT`.

FOLDER/names.json says what the name server does: `{"A": [addresses], "AAAA": [addresses]}`, or in
place of the addresses "servfail", "silent" or a number, the seconds after which it answers.
FOLDER/asked has a line for each question and each request.
"""

import json
import socket
import struct
import sys
import threading
import time
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from tests.nginx.origin import Origin
from tests.nginx.samples import narinfo, narinfo_path

PATHS: Final = tuple(narinfo_path(number) for number in range(2000))
_KINDS: Final = {1: "A", 28: "AAAA"}
_SERVFAIL: Final = 0x8182
_FOUND: Final = 0x8180


def answer(query: bytes, folder: Path) -> bytes | None:
    """Return what is sent back, once it is time; None for nothing at all."""
    end = query.index(b"\0", 12) + 5
    kind = _KINDS.get(struct.unpack("!H", query[end - 4 : end - 2])[0], "")
    told = json.loads((folder / "names.json").read_text())
    what = told.get(kind, [])
    if what == "silent":
        return None
    if isinstance(what, float):
        time.sleep(what)
        what = told[f"{kind} then"]
    packed = [] if what == "servfail" else [ip_address(text).packed for text in what]
    code = _SERVFAIL if what == "servfail" else _FOUND
    head = query[:2] + struct.pack("!HHHHH", code, 1, len(packed), 0, 0) + query[12:end]
    record = b"\xc0\x0c" + query[end - 4 : end - 2]
    return head + b"".join(record + struct.pack("!HIH", 1, 1, len(data)) + data for data in packed)


def serve_names(family: socket.AddressFamily, any_address: str, folder: Path) -> None:
    """Answer over UDP on port 53, each question in a thread of its own."""
    listener = socket.socket(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    listener.bind((any_address, 53))

    def reply(query: bytes, client: tuple[str, int]) -> None:
        if (data := answer(query, folder)) is not None:
            listener.sendto(data, client)

    while True:
        threading.Thread(target=reply, args=listener.recvfrom(512), daemon=True).start()


def main(folder: Path, port: int) -> None:
    """Serve until killed."""
    for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        threading.Thread(target=serve_names, args=(family, address, folder), daemon=True).start()
    files = dict.fromkeys(PATHS, narinfo())
    with (
        Origin(files, host="0.0.0.0", port=port),
        Origin(files, host="::", port=port),
    ):
        (folder / "ready").touch()
        threading.Event().wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
