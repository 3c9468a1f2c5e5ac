"""Answer /health on a unix socket and /nix-cache-info on a port: `python -m … SOCKET PORT`."""

import socket
import sys
import threading
from pathlib import Path

HEALTH = b'{"status":"ok","cache":"passthru","version":"1","generation":"0"}\n'
INFO = b"StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 30\n"


def serve(listener: socket.socket, body: bytes) -> None:
    """Answer everything with `body`."""
    listener.listen(64)
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    while True:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(5)
            try:
                connection.recv(4096)
                connection.sendall(head.encode() + body)
            except OSError:
                continue


def main(path: str, port: int) -> None:
    """Serve on both until killed."""
    Path(path).unlink(missing_ok=True)
    near = socket.socket(socket.AF_UNIX)
    near.bind(path)
    far = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
    threading.Thread(target=serve, args=(near, HEALTH), daemon=True).start()
    serve(far, INFO)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
