"""Counts a log into a ledger, piece by piece, until it is killed: LOG LEDGER."""

import sys
import time

from passthru.stats.access_log import LogParser
from passthru.stats.ledger import Ledger
from passthru.stats.tail import Tail


def main(log: str, path: str) -> None:
    """Count for ever, a few lines at a time; a line on stdout tells that all was read once."""
    parser = LogParser(["nixos"])
    with (
        Ledger.open(path, now=time.time()) as ledger,
        Tail(log, ledger.position(), chunk_bytes=2_000, linger_seconds=0.05) as tail,
    ):
        while True:
            chunk = tail.read()
            if chunk.lines:
                ledger.add(parser.parse(chunk.lines), chunk.position)
            elif not chunk.behind_bytes:
                print("read", flush=True)  # noqa: T201 - for the test
                time.sleep(0.001)


if __name__ == "__main__":
    main(*sys.argv[1:])
