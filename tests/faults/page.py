"""The page of what happens when things fail: `python -m tests.faults.page`."""

import sys
from collections.abc import Iterator
from typing import Final

from tests.faults.machine import CLIENTS, DISK, NAMES, PROCESSES
from tests.faults.promise import Gets, MachineRow, Row, Stale
from tests.faults.table import CODES, CUT, UNREACHABLE, WRONG

_INTRODUCTION: Final = """\
<!-- Made by `python -m tests.faults.page`; change the tables in tests/faults instead. -->

# When things fail

Each row is a test: it brings the fault about, looks at what a client gets meanwhile, and ends the fault.
What nginx cannot do is told as it is.

## What holds in every row

* What is stored and fresh is served as a HIT, at once, and no upstream is asked.
* What is stored and past its time is served at once, as long as the fault lasts, and refreshed when it is over; the exceptions are marked.
* What does not come from a row's upstream comes from the next one that has it, as long as nothing has been sent to the client.
  A row says what the client gets when there is no such upstream.
* Nothing is stored but what the row says, and nothing has to be restarted but where it says so.

Nix checks every narinfo's signature and every NAR's hash, so wrong bytes never get into a store.

## Faults of an upstream

The same for narinfos, other metadata and NARs.
"No time" means that nothing is waited for.
With `on_outage = "miss"`, a 404 stands in for 502 and 504.
"""

_LIMITS: Final = """\
## What nginx cannot do

* A 200 is a 200: once its header is there, no other upstream can be asked, whatever the body turns out to be.
  So a captive portal's page reaches the client, and Nix calls it corrupt; it is not stored.
* Wrong bytes of the right length are stored, because nginx does not know what a NAR is.
  Every client refuses them, and asks its next cache.
* A body that ends with its connection has no other end, so a client cannot see that it was cut; it is not stored.
* A NAR that came in chunks has no length, so a client cannot resume it: it begins anew.
* Narinfos of all but cache.nixos.org, where it is first, are looked through and come in chunks.
  Where a row says that a body ends before its length, theirs lacks its last chunk.
* An upstream's 408, 412, 416 and 499 cannot be turned into another answer, because nginx would hang up on the client instead, or makes such codes itself; upon a 444 it does hang up.
* Nor can a code from 201 to 299: no `error_page` takes one.
* What is not HTTP is taken for HTTP/0.9, and passed on.
* An answer that leads to the next upstream ends its connection, unless it has no body.
* What would be stored and cannot be written is not passed on either, until it is told to store nothing.
* A worker that is killed takes no lock with it: nginx forgets who was filling a NAR only by the clock, or when another request has stored it.
"""


def write_page() -> str:
    """Return the page as Markdown; the same for the same tables."""
    return "\n".join(_write())


def _write() -> Iterator[str]:
    yield _INTRODUCTION
    for title, rows in (
        ("It cannot be reached", UNREACHABLE),
        ("It is cut off", CUT),
        ("It answers with a code", CODES),
        ("It answers something else", WRONG),
    ):
        yield from _head("###", title)
        yield from (_upstream_row(row) for row in rows)
        yield ""
    for title, others in (
        ("Names and versions", NAMES),
        ("The disk", DISK),
        ("Processes and the clock", PROCESSES),
        ("Clients", CLIENTS),
    ):
        yield from _head("##", title)
        yield from (_machine_row(row) for row in others)
        yield ""
    yield _LIMITS.removesuffix("\n")
    yield ""


def _head(level: str, title: str) -> Iterator[str]:
    yield f"{level} {title}\n"
    yield "| fault | the client gets | stored | it takes | afterwards |"
    yield "| --- | --- | --- | --- | --- |"


def _upstream_row(row: Row) -> str:
    gets: str = row.gets
    if row.stale is not Stale.SERVED and row.gets is not Gets.RIGHT:
        gets += f"; what is past its time is {row.stale}"
    return _cells(row.name, gets, row.stores, row.time, row.afterwards)


def _machine_row(row: MachineRow) -> str:
    return _cells(row.name, row.gets, row.stores, row.time, row.afterwards)


def _cells(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.stdout.write(write_page())
