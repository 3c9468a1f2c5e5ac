"""Answer /health on a unix socket, and as a cache on a port: `python -m … SOCKET PORT HOW`.

HOW is a file that says what the cache does with a narinfo that is asked for; without one, it has none.
"""

import socket
import sys
import threading
import time
from pathlib import Path

from tests.lan.upstream import packages

HEALTH = b'{"status":"ok","cache":"passthru","version":"1","generation":"0"}\n'
INFO = b"StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 30\n"


def answer(target: str, how: str) -> tuple[str, bytes]:
    """Return the first lines of a head, and a body."""
    known = packages().files.get(target[1:], b"")
    if target == "/nix-cache-info":
        return "200 OK", INFO
    if how == "slow":
        time.sleep(8)
    if how == "lying":
        return "200 OK", b"not this" * 100 if target.startswith("/nar/") else known
    lines = known.splitlines(keepends=True)
    ways = {
        "unsigned": ("200 OK", b"".join(one for one in lines if not one.startswith(b"Sig"))),
        "elsewhere": ("200 OK", known.replace(b"URL: nar/", b"URL: http://10.213.7.3:1/nar/")),
        "redirecting": (f"302 Found\r\nLocation: http://10.213.7.3:8099{target}", b"there"),
        "failing": ("500 Internal Server Error", b"no"),
        "garbled": ("200 OK", b"<html>" * 100),
        "endless": ("200 OK", b"x" * (3 << 20)),
        "slow": ("200 OK", known),
    }
    return ways.get(how, ("404 Not Found", b"no"))


def talk(connection: socket.socket, how: Path | None) -> None:
    """Answer one request; None is the health."""
    with connection:
        connection.settimeout(5)
        try:
            words = connection.recv(4096).split(b" ")
            if how is None:
                status, body = "200 OK", HEALTH
            else:
                status, body = answer(words[1].decode(), how.read_text() if how.exists() else "")
            head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            connection.sendall(head.encode() + body)
        except (OSError, IndexError):
            return


def serve(listener: socket.socket, how: Path | None) -> None:
    """Answer everything, each in a thread of its own."""
    listener.listen(64)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=talk, args=(connection, how), daemon=True).start()


def main(path: str, port: int, how: Path) -> None:
    """Serve on both until killed."""
    Path(path).unlink(missing_ok=True)
    near = socket.socket(socket.AF_UNIX)
    near.bind(path)
    far = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
    threading.Thread(target=serve, args=(near, None), daemon=True).start()
    serve(far, how)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
