"""Serve the demo's packages on all addresses: `python -m tests.lan.upstream PORT LOG PATHS`.

The log has the path of every request, a line each.
"""

import sys
import time
from pathlib import Path

from passthru.nix import BinaryCache, demo_cache
from tests.nginx.origin import Origin


def packages(seed: int = 7, *, paths: int = 36) -> BinaryCache:
    """Return what is served."""
    return demo_cache(seed, paths=paths)


def main(port: int, log: Path, paths: int) -> None:
    """Serve until killed."""
    files = {f"/{name}": data for name, data in packages(paths=paths).files.items()}
    with Origin(files, host="0.0.0.0", port=port) as origin, log.open("w") as out:
        told = 0
        while True:
            requests = origin.requests
            out.writelines(f"{request.path}\n" for request in requests[told:])
            out.flush()
            told = len(requests)
            time.sleep(0.02)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
