"""Serve a folder as a binary cache on all addresses: `python -m tests.lan.folder PORT LOG FOLDER`."""

import sys
import time
from pathlib import Path

from tests.nginx.origin import Origin


def main(port: int, log: Path, folder: Path) -> None:
    """Serve until killed; the log has the path of every request, a line each."""
    with Origin({}, folder=folder, host="0.0.0.0", port=port) as origin, log.open("w") as out:
        told = 0
        while True:
            requests = origin.requests
            out.writelines(f"{request.path}\n" for request in requests[told:])
            out.flush()
            told = len(requests)
            time.sleep(0.02)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
